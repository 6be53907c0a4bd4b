package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// check is one thing to look at, with an environment and a process of its own.
type check struct {
	name     string
	settings map[string]any
	// inactive: the check activates the plugin itself.
	inactive bool
	// patient: the check waits for nearly all of its time, and need not wait for others first.
	patient bool
	run     func(h *host) error
}

func probeSubject(built string) subject {
	manifest := `{
		"id": "nl.i-reserve.probe", "name": "Probe", "version": "0.1.0", "min_server_version": "5.36.0", "server": {"executable": "probe"}
	}`
	return subject{
		bundle: bundle{id: "nl.i-reserve.probe", manifest: []byte(manifest), executable: "probe", built: built},
		checks: probeChecks,
		api: func(h *host, version string, settings map[string]any) plugin.API {
			h.server = newServer(version, settings)
			return h.server
		},
		arguments: []string{"-probe", built},
	}
}

// probeChecks look whether the protocol is spoken as Mattermost speaks it.
var probeChecks = []check{
	{name: "every call of the API gives what the server answered", run: everyCall},
	{name: "every hook arrives with what the server sent", run: everyHook},
	{name: "commands answer, refuse and panic without harm", run: commands},
	{name: "requests stream in both directions", run: requests},
	{name: "bodies that are not read to their end leave no complaint in the server's log", run: unread},
	{name: "400 requests, commands and calls at once", run: atOnce},
	{name: "a plugin that refuses says why", settings: map[string]any{"refuse": true}, inactive: true, run: refusal},
	{name: "deactivation is quick, calls the hook and leaves nothing", run: deactivation},
	{name: "a crash is noticed and healed by a restart", run: crash},
	{name: "a crash while activating is noticed", settings: map[string]any{"abort": true}, inactive: true, run: crashAtStart},
	{name: "100 s of silence, longer than an unacknowledged stream lives", patient: true, run: silence},
}

func equal(what string, got, wanted any) error {
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		return fmt.Errorf("%s: got %q, wanted %q", what, fmt.Sprint(got), fmt.Sprint(wanted))
	}
	return nil
}

func everyCall(h *host) error {
	h.server.stored["large"] = make([]byte, 8<<20)
	answer := h.http("GET", "/api", nil)
	if err := equal("status", answer.Code, http.StatusOK); err != nil {
		return err
	}
	got := strings.Split(strings.TrimSpace(answer.Body.String()), "\n")
	wanted := strings.Split(strings.TrimSpace(strings.ReplaceAll(expected, "VERSION", h.server.version)), "\n")
	for i := range max(len(got), len(wanted)) {
		g, w := "", ""
		if i < len(got) {
			g = strings.TrimSpace(got[i])
		}
		if i < len(wanted) {
			w = strings.TrimSpace(wanted[i])
		}
		if g != w {
			return fmt.Errorf("got  %s\n     want %s", g, w)
		}
	}
	h.server.mutex.Lock()
	defer h.server.mutex.Unlock()
	if len(h.server.mistakes) > 0 {
		return fmt.Errorf("arguments:\n%s", strings.Join(h.server.mistakes, "\n"))
	}
	logged := strings.Join(h.server.logged, "\n")
	for _, line := range []string{
		`info the probe is active, "quoted" and {braced} hooks 10`,
		`warn from the probe quoted "x" number 5`,
	} {
		if !strings.Contains(logged, line) {
			return fmt.Errorf("not logged: %s; logged:\n%s", line, logged)
		}
	}
	return nil
}

func everyHook(h *host) error {
	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	context := &plugin.Context{SessionId: "session", RequestId: "request"}
	post := &model.Post{Id: "one", Message: "before", Props: model.StringInterface{
		"attachments": []*model.SlackAttachment{{Text: "a"}, {Text: "b", Fields: []*model.SlackAttachmentField{{Value: 1.5}}}},
		"nested":      map[string]any{"n": 2.5, "list": []any{nil, "x"}},
	}}
	hooks.MessageHasBeenPosted(context, post)
	hooks.MessageHasBeenPosted(context, &model.Post{Id: "two"})
	hooks.MessageHasBeenUpdated(context, &model.Post{Id: "one", Message: "after"}, post)
	hooks.MessageHasBeenDeleted(context, post)
	hooks.ReactionHasBeenAdded(context, &model.Reaction{PostId: "one", EmojiName: "eyes"})
	hooks.ReactionHasBeenRemoved(context, &model.Reaction{PostId: "one", EmojiName: "eyes"})
	if err := hooks.OnConfigurationChange(); err != nil {
		return err
	}
	heard := `OnConfigurationChange 1
added one eyes 1
deleted one 1
posted one attachments 2 nested Some(2.5) 1
posted two attachments 0 nested None 1
removed one eyes 1
updated one true 1
`
	response, refusal := h.command("/probe heard")
	if refusal != nil {
		return refusal
	}
	if err := equal("heard", response.Text, heard); err != nil {
		return err
	}
	files, err := hooks.GenerateSupportData(context)
	if err != nil {
		return err
	}
	return equal("support data", fmt.Sprint(len(files), files[0].Filename, string(files[0].Body)), "1heard.txt"+heard)
}

func commands(h *host) error {
	response, refusal := h.command("/probe ok")
	if refusal != nil {
		return refusal
	}
	action := response.Attachments[0].Actions[0]
	got := []any{
		response.ResponseType, response.Text, response.Props["request"], response.Attachments[0].Fields[0].Value,
		action.Name, action.Integration.URL, action.Integration.Context["mac"],
	}
	wanted := []any{
		"ephemeral", "/probe ok in cid for uid", "request", "value", "Take", "/plugins/probe/action", "m",
	}
	if err := equal("answer", got, wanted); err != nil {
		return err
	}
	_, refusal = h.command("/probe fail")
	if refusal == nil {
		return fmt.Errorf("no refusal")
	}
	if err := equal("refusal", []any{refusal.Id, refusal.Message, refusal.StatusCode}, []any{"probe.fail", "As you wish.", 418}); err != nil {
		return err
	}
	if response, refusal = h.command("/probe panic"); response != nil || refusal != nil {
		return fmt.Errorf("a panic was answered with %v %v", response, refusal)
	}
	if err := h.environment.PerformHealthCheck(h.id); err != nil {
		return fmt.Errorf("after a panic: %w", err)
	}
	_, refusal = h.command("/probe fail")
	return equal("the next command", refusal.Id, "probe.fail")
}

func pattern(length int) []byte {
	body := make([]byte, length)
	for i := range body {
		body[i] = byte(i % 251)
	}
	return body
}

func requests(h *host) error {
	hello := h.http("GET", "/hello?b=2&a=1", nil)
	if err := equal("hello", hello.Body, "GET /hello?b=2&a=1 user=uid host=example.com uri=/hello?b=2&a=1 session=session"); err != nil {
		return err
	}
	if err := equal("header", hello.Header().Get("X-Probe"), "1"); err != nil {
		return err
	}
	large := pattern(8 << 20)
	for _, path := range []string{"/echo", "/collect"} {
		answer := h.http("POST", path, large)
		if !bytes.Equal(answer.Body.Bytes(), large) {
			return fmt.Errorf("%s: %d bytes came back with status %d, not the same as %d", path, answer.Body.Len(), answer.Code, len(large))
		}
	}
	if answer := h.http("GET", fmt.Sprintf("/big?%d", len(large)), nil); !bytes.Equal(answer.Body.Bytes(), large) {
		return fmt.Errorf("big: %d bytes", answer.Body.Len())
	}
	start := time.Now()
	if err := equal("ignored body", h.http("POST", "/ignore", large).Code, 202); err != nil {
		return err
	}
	if waited := time.Since(start); waited > time.Second {
		return fmt.Errorf("a body that nobody reads took %v", waited)
	}
	if err := equal("too large", h.http("POST", "/collect", pattern(17<<20)).Code, 413); err != nil {
		return err
	}
	if err := equal("pieces", h.http("GET", "/pieces", nil).Body, "onetwo"); err != nil {
		return err
	}
	for path, status := range map[string]int{"/panic": 500, "/bad": 500, "/nothing": 404} {
		if err := equal(path, h.http("GET", path, nil).Code, status); err != nil {
			return err
		}
	}
	return equal("the next request", h.http("GET", "/hello", nil).Code, 200)
}

// unread answers before the body was read, or before it even came. The server gives up on a stream after 5 s, and says so.
func unread(h *host) error {
	large := pattern(3 << 20)
	for path, status := range map[string]int{"/ignore": 202, "/glance": 202, "/part?1500000": 200} {
		for range 200 {
			if err := equal(path, h.http("POST", path, large).Code, status); err != nil {
				return err
			}
		}
	}
	time.Sleep(6 * time.Second)
	return equal("the server's log", h.log.String(), "")
}

func atOnce(h *host) error {
	problems := make(chan error, 1200)
	var group sync.WaitGroup
	for number := range 400 {
		group.Add(3)
		go func() {
			defer group.Done()
			body := pattern(2000 + number*100)
			if answer := h.http("POST", "/echo", body); !bytes.Equal(answer.Body.Bytes(), body) {
				problems <- fmt.Errorf("request %d: %d bytes with status %d", number, answer.Body.Len(), answer.Code)
			}
		}()
		go func() {
			defer group.Done()
			text := fmt.Sprintf("/probe ok %d", number)
			if response, refusal := h.command(text); refusal != nil || response == nil || response.Text != text+" in cid for uid" {
				problems <- fmt.Errorf("command %d: %v %v", number, response, refusal)
			}
		}()
		go func() {
			defer group.Done()
			hooks, _ := h.hooks()
			hooks.MessageHasBeenPosted(&plugin.Context{}, &model.Post{Id: "same"})
		}()
	}
	group.Wait()
	close(problems)
	for problem := range problems {
		return problem
	}
	if err := equal("400 calls of the API", h.http("GET", "/many", nil).Body, "400"); err != nil {
		return err
	}
	response, refusal := h.command("/probe heard")
	if refusal != nil {
		return refusal
	}
	return equal("posts", response.Text, "posted same attachments 0 nested None 400\n")
}

func refusal(h *host) error {
	err := h.activate()
	if err == nil || !strings.Contains(err.Error(), "the settings say that this plugin refuses") {
		return fmt.Errorf("activation: %v", err)
	}
	return h.gone(3 * time.Second)
}

func deactivation(h *host) error {
	if len(h.processes()) != 1 {
		return fmt.Errorf("processes: %v", h.processes())
	}
	sockets := func() int {
		left, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("mmplugin-%d-*", h.processes()[0])))
		return len(left)
	}
	if err := equal("sockets left", sockets(), 0); err != nil {
		return err
	}
	start := time.Now()
	h.environment.Deactivate(h.id)
	if waited := time.Since(start); waited > time.Second {
		return fmt.Errorf("deactivation took %v", waited)
	}
	if err := equal("hook", string(h.server.stored["deactivated"]), "yes"); err != nil {
		return err
	}
	if err := h.gone(100 * time.Millisecond); err != nil {
		return err
	}
	if err := h.activate(); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	return equal("hello", h.http("GET", "/hello", nil).Code, 200)
}

func crash(h *host) error {
	if err := equal("the request that crashes it", h.http("GET", "/abort", nil).Code, 500); err != nil {
		return err
	}
	if err := h.environment.PerformHealthCheck(h.id); err == nil {
		return fmt.Errorf("the crash was not noticed")
	}
	if err := h.environment.RestartPlugin(h.id); err != nil {
		return err
	}
	if err := h.environment.PerformHealthCheck(h.id); err != nil {
		return err
	}
	return equal("hello", h.http("GET", "/hello", nil).Code, 200)
}

func crashAtStart(h *host) error {
	// The server takes a plugin that dies here for active, until it asks.
	if err := h.activate(); err != nil {
		return err
	}
	if err := h.environment.PerformHealthCheck(h.id); err == nil {
		return fmt.Errorf("the crash was not noticed")
	}
	return nil
}

func silence(h *host) error {
	end := time.Now().Add(100 * time.Second)
	for time.Now().Before(end) {
		// A server asks every 30 s whether the plugin lives; on the connection there are yamux's own pings besides.
		time.Sleep(25 * time.Second)
		if err := h.environment.PerformHealthCheck(h.id); err != nil {
			return err
		}
	}
	if err := equal("hello", h.http("GET", "/hello", nil).Code, 200); err != nil {
		return err
	}
	return equal("processes", len(h.processes()), 1)
}
