package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
	"github.com/mattermost/mattermost/server/public/shared/mlog"
)

// bundle is a plugin as it would be unpacked.
type bundle struct {
	id       string
	manifest []byte
	// executable is where the manifest says that it lies, below the bundle's folder.
	executable string
	// built is the file that is put there.
	built string
}

// host is one plugin environment, the same code that runs in a Mattermost server, with one bundle in a folder of its own.
type host struct {
	bundle
	folder      string
	environment *plugin.Environment
	activation  time.Duration
	// log is what the server would have written about warnings and errors.
	log *lines
	// Whichever of the two is the server's side of the API.
	server *server
	site   *site
}

// lines keeps what is written to it.
type lines struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.Write(line)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.String()
}

// newHost unpacks a bundle.
func newHost(bundle bundle) (*host, error) {
	folder, err := os.MkdirTemp("", "host")
	if err != nil {
		return nil, err
	}
	h := &host{bundle: bundle, folder: folder, log: &lines{}}
	if err := os.MkdirAll(filepath.Dir(h.program()), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(h.unpacked(), "plugin.json"), bundle.manifest, 0o644); err != nil {
		return nil, err
	}
	return h, duplicate(bundle.built, h.program())
}

// open starts the environment. Nothing is activated yet.
func (h *host) open(api plugin.API) error {
	logger, err := mlog.NewLogger()
	if err != nil {
		return err
	}
	if err := mlog.AddWriterTarget(logger, h.log, false, mlog.LvlWarn, mlog.LvlError, mlog.LvlCritical); err != nil {
		return err
	}
	giveAPI := func(*model.Manifest) plugin.API { return api }
	plugins, webapps := filepath.Join(h.folder, "plugins"), filepath.Join(h.folder, "webapps")
	h.environment, err = plugin.NewEnvironment(giveAPI, nil, plugins, webapps, logger, nil)
	return err
}

// unpacked is the bundle's folder.
func (h *host) unpacked() string { return filepath.Join(h.folder, "plugins", h.id) }

// program is where the executable lies.
func (h *host) program() string { return filepath.Join(h.unpacked(), h.executable) }

func duplicate(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	return target.Close()
}

func (h *host) activate() error {
	start := time.Now()
	_, activated, err := h.environment.Activate(h.id)
	h.activation = time.Since(start)
	if err == nil && !activated {
		return fmt.Errorf("not activated")
	}
	return err
}

func (h *host) hooks() (plugin.Hooks, error) { return h.environment.HooksForPlugin(h.id) }

// http passes a request through the plugin. A hook that fails leaves the 500 that a server would answer.
func (h *host) http(method, path string, body []byte) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	hooks, err := h.hooks()
	if err != nil {
		recorder.Code = 0
		return recorder
	}
	request := httptest.NewRequest(method, path, bytes.NewReader(body))
	request.Header.Set("Mattermost-User-Id", "uid")
	hooks.ServeHTTP(&plugin.Context{SessionId: "session", RequestId: "request"}, recorder, request)
	return recorder
}

func (h *host) command(text string) (*model.CommandResponse, *model.AppError) {
	hooks, err := h.hooks()
	if err != nil {
		return nil, model.NewAppError("host", "inactive", nil, err.Error(), 500)
	}
	context := &plugin.Context{RequestId: "request"}
	return hooks.ExecuteCommand(context, &model.CommandArgs{Command: text, UserId: "uid", ChannelId: "cid"})
}

// processes are those that run the bundle's executable.
func (h *host) processes() []int {
	var found []int
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if link, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", number)); err == nil && link == h.program() {
			found = append(found, number)
		}
	}
	return found
}

// gone waits until no process runs the executable any more.
func (h *host) gone(patience time.Duration) error {
	return within(patience, "the process ends", func() bool { return len(h.processes()) == 0 })
}

// within asks again and again until the answer is yes.
func within(patience time.Duration, what string, yes func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if yes() {
			return nil
		}
	}
	return fmt.Errorf("not within %v: %s", patience, what)
}

func (h *host) close() {
	h.environment.Shutdown()
	os.RemoveAll(h.folder)
}
