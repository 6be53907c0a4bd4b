package main

import (
	"bytes"
	"encoding/json"
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

const id = "nl.i-reserve.probe"

// host is one plugin environment, the same code that runs in a Mattermost server, with one bundle in a folder of its own.
type host struct {
	folder      string
	server      *server
	environment *plugin.Environment
	activation  time.Duration
	// log is what the server would have written about warnings and errors.
	log *lines
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

func newHost(version, probe string, settings map[string]any) (*host, error) {
	folder, err := os.MkdirTemp("", "probe")
	if err != nil {
		return nil, err
	}
	bundle := filepath.Join(folder, "plugins", id)
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(map[string]any{
		"id": id, "name": "Probe", "version": "0.1.0", "min_server_version": "5.36.0",
		"server": map[string]any{"executable": "probe"},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bundle, "plugin.json"), manifest, 0o644); err != nil {
		return nil, err
	}
	if err := duplicate(probe, filepath.Join(bundle, "probe")); err != nil {
		return nil, err
	}
	logger, err := mlog.NewLogger()
	if err != nil {
		return nil, err
	}
	log := &lines{}
	if err := mlog.AddWriterTarget(logger, log, false, mlog.LvlWarn, mlog.LvlError, mlog.LvlCritical); err != nil {
		return nil, err
	}
	server := newServer(version, settings)
	api := func(*model.Manifest) plugin.API { return server }
	plugins, webapps := filepath.Join(folder, "plugins"), filepath.Join(folder, "webapps")
	environment, err := plugin.NewEnvironment(api, nil, plugins, webapps, logger, nil)
	if err != nil {
		return nil, err
	}
	return &host{folder: folder, server: server, environment: environment, log: log}, nil
}

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
	_, activated, err := h.environment.Activate(id)
	h.activation = time.Since(start)
	if err == nil && !activated {
		return fmt.Errorf("not activated")
	}
	return err
}

func (h *host) hooks() (plugin.Hooks, error) { return h.environment.HooksForPlugin(id) }

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
	executable := filepath.Join(h.folder, "plugins", id, "probe")
	var found []int
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if link, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", number)); err == nil && link == executable {
			found = append(found, number)
		}
	}
	return found
}

// gone waits until no process runs the executable any more.
func (h *host) gone(patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if len(h.processes()) == 0 {
			return nil
		}
	}
	return fmt.Errorf("the process still runs after %v", patience)
}

func (h *host) close() {
	h.environment.Shutdown()
	os.RemoveAll(h.folder)
}
