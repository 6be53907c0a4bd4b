package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// atOnceMeans is less than a single one of the plugin's deadlines (5 s), and much on a machine that does a dozen other things.
const atOnceMeans = 4 * time.Second

func bridgeSubject(built, manifest string) subject {
	text, err := os.ReadFile(manifest)
	if err != nil {
		fail(err)
	}
	id := "nl.i-reserve.mattermost"
	return subject{
		bundle: bundle{id: id, manifest: text, executable: "server/ireserve-plugin", built: built},
		checks: bridgeChecks,
		api: func(h *host, version string, settings map[string]any) plugin.API {
			h.site = newSite(h, version, settings)
			return h.site
		},
		arguments: []string{"-plugin", built, "-manifest", manifest},
	}
}

// bridgeChecks look whether the plugin as it is shipped does its part, with and without a sidecar.
var bridgeChecks = []check{
	{name: "the first activation needs no setting and makes bot and command", settings: map[string]any{}, run: firstDay},
	{name: "without a sidecar hooks return, commands answer and requests are sent away, all at once", settings: map[string]any{}, run: alone},
	{name: "another configuration is followed, and what was heard before is told", settings: map[string]any{}, run: reconfigured},
	{name: "requests go through to the sidecar and back", settings: map[string]any{}, run: through},
	{name: "deactivation and quit are quick, and the next activation finds everything", settings: map[string]any{}, run: again},
	{name: "a plugin that is killed is noticed, and started again it finds everything", settings: map[string]any{}, run: killed},
	{name: "a managed sidecar ends with the plugin, also when that is killed", settings: map[string]any{}, inactive: true, run: leash},
}

// settled waits until the bot is there, which is the last thing that an activation does.
func (h *host) settled() error {
	return within(10*time.Second, "the bot has a token and is kept", func() bool {
		kept, _ := h.site.KVGet("bot")
		return bytes.Contains(kept, []byte("token-1"))
	})
}

// quiet is an error when the server would have written that a call of the plugin failed.
func (h *host) quiet() error {
	for _, line := range strings.Split(h.log.String(), "\n") {
		if strings.Contains(line, "RPC call") || strings.Contains(line, "muxBroker") {
			return fmt.Errorf("the server's log: %s", line)
		}
	}
	return nil
}

func firstDay(h *host) error {
	if err := h.settled(); err != nil {
		return err
	}
	tokens, bots, commands := h.site.counts()
	if err := equal("tokens, bots, commands", []int{tokens, bots, commands}, []int{1, 1, 1}); err != nil {
		return err
	}
	command := h.site.commands[0]
	var verbs []string
	for _, verb := range command.AutocompleteData.SubCommands {
		verbs = append(verbs, verb.Trigger+" "+verb.RoleID)
	}
	wanted := "[setup system_admin status system_user help system_user about system_user]"
	if err := equal("command", []any{command.Trigger, verbs}, "[ireserve "+wanted+"]"); err != nil {
		return err
	}
	if err := h.environment.PerformHealthCheck(h.id); err != nil {
		return err
	}
	return h.quiet()
}

func hint(h *host, id string) error {
	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	post := &model.Post{Id: id, RootId: "root", ChannelId: "cid", UserId: "uid", Message: "a message"}
	context := &plugin.Context{RequestId: "request"}
	hooks.MessageHasBeenPosted(context, post)
	hooks.MessageHasBeenUpdated(context, post, post)
	hooks.MessageHasBeenDeleted(context, post)
	return nil
}

// alone: the managed sidecar's program is not in the bundle, so it cannot be started.
func alone(h *host) error {
	if err := h.settled(); err != nil {
		return err
	}
	start := time.Now()
	for number := range 50 {
		if err := hint(h, fmt.Sprint("post", number)); err != nil {
			return err
		}
	}
	if waited := time.Since(start); waited > atOnceMeans {
		return fmt.Errorf("150 hooks took %v", waited)
	}
	for command, part := range map[string]string{
		"/ireserve":        "`/ireserve setup`",
		"/ireserve help":   "`/ireserve setup`",
		"/ireserve about":  "plugin 0.",
		"/ireserve status": "ireserve-sidecar",
		"/ireserve open":   "is not running on this server",
	} {
		start := time.Now()
		response, refusal := h.command(command)
		if refusal != nil {
			return refusal
		}
		if response == nil || !strings.Contains(response.Text, part) {
			return fmt.Errorf("%s: %+v, without %q", command, response, part)
		}
		if waited := time.Since(start); waited > atOnceMeans {
			return fmt.Errorf("%s took %v", command, waited)
		}
	}
	large := pattern(3 << 20)
	for path, status := range map[string]int{"/v1/events": 503, "/v1/hooks/mattermost": 503, "/v1/files/a.b": 503, "/v1/status": 404, "": 404} {
		start := time.Now()
		answer := h.http("POST", "http://chat.example.org"+path, large)
		if err := equal(path, answer.Code, status); err != nil {
			return err
		}
		if waited := time.Since(start); waited > atOnceMeans {
			return fmt.Errorf("%s took %v", path, waited)
		}
		if retry := answer.Header().Get("Retry-After"); (retry != "") != (status == 503) {
			return fmt.Errorf("%s: Retry-After %q with status %d", path, retry, status)
		}
	}
	if err := h.environment.PerformHealthCheck(h.id); err != nil {
		return err
	}
	time.Sleep(6 * time.Second) // The server gives up on a stream after 5 s, and says so.
	return h.quiet()
}

// connect has the plugin use the sidecar.
func (h *host) connect(s *sidecar) error {
	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	h.site.set(map[string]any{"sidecar_mode": "external", "sidecar_url": s.URL})
	return hooks.OnConfigurationChange()
}

func reconfigured(h *host) error {
	if err := hint(h, "early"); err != nil {
		return err
	}
	sidecar := newSidecar()
	defer sidecar.Close()
	if err := h.connect(sidecar); err != nil {
		return err
	}
	for _, wanted := range []string{"posted early", "edited early", "deleted early", "configuration bid token-1"} {
		if err := within(10*time.Second, wanted, func() bool { return sidecar.heard(wanted) }); err != nil {
			return fmt.Errorf("%w; heard: %s", err, sidecar)
		}
	}
	response, refusal := h.command("/ireserve status")
	if refusal != nil {
		return refusal
	}
	if err := equal("answer", response.Text, "the sidecar was asked /ireserve status"); err != nil {
		return err
	}
	// It goes out with the answer, and either may be there first.
	if err := within(10*time.Second, "the bot says the answer", func() bool {
		said := h.site.whispered()
		return said.UserId == "bid" && said.Message == response.Text
	}); err != nil {
		return err
	}
	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	h.site.set(map[string]any{"sidecar_mode": "external"})
	if err := hooks.OnConfigurationChange(); err != nil {
		return err
	}
	return within(10*time.Second, "requests are sent away again", func() bool {
		return h.http("POST", "/v1/events", nil).Code == http.StatusServiceUnavailable
	})
}

func through(h *host) error {
	sidecar := newSidecar()
	defer sidecar.Close()
	if err := h.connect(sidecar); err != nil {
		return err
	}
	if err := within(10*time.Second, "requests go through", func() bool { return h.http("POST", "/v1/events", nil).Code == 202 }); err != nil {
		return err
	}
	for _, size := range []int{1, 17, 65_536, 3 << 20} {
		body := pattern(size)
		answer := h.http("POST", "/v1/events", body)
		if answer.Code != 202 || !bytes.Equal(answer.Body.Bytes(), body) {
			return fmt.Errorf("%d bytes: %d came back with status %d", size, answer.Body.Len(), answer.Code)
		}
	}
	// The sidecar answers before it has read the body, or hangs up. A connection that ends may take an early answer with it.
	for path, status := range map[string]int{"/v1/events/early": 413, "/v1/events/gone": 503} {
		for range 20 {
			if code := h.http("POST", path, pattern(3<<20)).Code; code != status && code != http.StatusServiceUnavailable {
				return fmt.Errorf("%s: status %d", path, code)
			}
		}
	}
	time.Sleep(6 * time.Second) // As above.
	return h.quiet()
}

// remembered is an error when bot or token were made anew.
func (h *host) remembered() error {
	if err := h.environment.PerformHealthCheck(h.id); err != nil {
		return err
	}
	if _, refusal := h.command("/ireserve help"); refusal != nil {
		return refusal
	}
	if err := within(10*time.Second, "the command is registered again", func() bool {
		_, _, commands := h.site.counts()
		return commands == 2
	}); err != nil {
		return err
	}
	tokens, bots, _ := h.site.counts()
	return equal("tokens, bots", []int{tokens, bots}, []int{1, 1})
}

func again(h *host) error {
	if err := h.settled(); err != nil {
		return err
	}
	start := time.Now()
	h.environment.Deactivate(h.id)
	if waited := time.Since(start); waited > atOnceMeans {
		return fmt.Errorf("deactivation took %v", waited)
	}
	if err := h.gone(100 * time.Millisecond); err != nil {
		return err
	}
	if err := h.activate(); err != nil {
		return err
	}
	return h.remembered()
}

func killed(h *host) error {
	if err := h.settled(); err != nil {
		return err
	}
	for _, process := range h.processes() {
		if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
			return err
		}
	}
	if err := h.gone(5 * time.Second); err != nil {
		return err
	}
	if err := h.environment.PerformHealthCheck(h.id); err == nil {
		return fmt.Errorf("the end was not noticed")
	}
	if err := h.environment.RestartPlugin(h.id); err != nil {
		return err
	}
	return h.remembered()
}

// standIn is a managed sidecar that says who it is and waits for the end of its standard input.
const standIn = `#!/bin/sh
read -r line
echo $$ >pid.new
mv pid.new pid
while read -r line; do :; done
rm pid
`

func leash(h *host) error {
	program := filepath.Join(h.unpacked(), "server", "ireserve-sidecar")
	if err := os.WriteFile(program, []byte(standIn), 0o755); err != nil {
		return err
	}
	kept := filepath.Join(h.folder, "files", "ireserve", "pid")
	started := func() (int, error) {
		if err := h.activate(); err != nil {
			return 0, err
		}
		var pid int
		return pid, within(10*time.Second, "the sidecar is started", func() bool {
			text, _ := os.ReadFile(kept)
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
			return pid > 0
		})
	}
	lives := func(pid int) bool { return syscall.Kill(pid, 0) == nil }

	pid, err := started()
	if err != nil {
		return err
	}
	start := time.Now()
	h.environment.Deactivate(h.id)
	if waited := time.Since(start); waited > atOnceMeans || lives(pid) {
		return fmt.Errorf("after a deactivation of %v the sidecar lives: %v", waited, lives(pid))
	}

	if pid, err = started(); err != nil {
		return err
	}
	for _, process := range h.processes() {
		if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
			return err
		}
	}
	return within(5*time.Second, "the sidecar ends with a plugin that was killed", func() bool {
		_, err := os.Stat(kept)
		return os.IsNotExist(err)
	})
}
