package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// figure is one line of the table. Its values are in the unit that it names.
type figure struct {
	name, unit string
	// goal is what the Rust plugin's value is to be at most: so many times the Go plugin's, or a plain value when `plain`.
	goal  float64
	plain bool
}

var figures = []figure{
	{"activation", "ms", 1, false},
	{"resident idle, 3 s after the activation", "MB", 5, true},
	{"MessageHasBeenPosted, p50", "µs", 0.7, false},
	{"ExecuteCommand without a sidecar, p50", "µs", 0.7, false},
	{"ServeHTTP GET without a sidecar, p50", "µs", 0.7, false},
	{"400 GET at once, p50", "ms", 1, false},
	{"resident after that load", "MB", 10, true},
	{"ServeHTTP POST, 3 MiB echoed, p50 (the probe; the plugin echoes nothing)", "ms", 0.5, false},
	{"executable", "MB", 3, true},
}

// compare measures the plugin as it is shipped beside the one written in Go, in turns, and prints the middle of the rounds. It judges
// nothing.
func compare(bridge, probe subject, goPlugin, version string, rounds int) error {
	inGo := bridge
	inGo.built = goPlugin
	rust, golang := map[string][]float64{}, map[string][]float64{}
	for round := range rounds {
		turns := []func() error{
			func() error { return bridge.measure(version, rust) },
			func() error { return inGo.measure(version, golang) },
			func() error { return probe.echo(version, rust) },
			func() error { return inGo.echo(version, golang) },
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return err
			}
		}
	}
	fmt.Printf("Mattermost %s, the middle of %d rounds in turns\n\n", version, rounds)
	fmt.Printf("%-74s %10s %10s %8s  %s\n", "", "Rust", "Go", "Rust/Go", "goal")
	for _, f := range figures {
		here, there := middle(rust[f.name]), middle(golang[f.name])
		goal := fmt.Sprintf("≤ %g × Go", f.goal)
		if f.plain {
			goal = fmt.Sprintf("≤ %g %s", f.goal, f.unit)
		}
		fmt.Printf("%-74s %7.2f %s %7.2f %s %8.2f  %s\n", f.name, here, f.unit, there, f.unit, here/there, goal)
	}
	fmt.Println()
	return nil
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// measure takes one plugin through everything that both have.
func (s subject) measure(version string, into map[string][]float64) error {
	h, err := s.activated(version)
	if err != nil {
		return err
	}
	defer h.close()
	note := func(name string, value float64) { into[name] = append(into[name], value) }
	note(figures[0].name, milliseconds(h.activation))
	if err := h.settled(); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	idle, err := h.resident()
	if err != nil {
		return err
	}
	note(figures[1].name, idle)

	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	number := 0
	note(figures[2].name, 1000*p50(5000, func() {
		number++
		hooks.MessageHasBeenPosted(&plugin.Context{}, &model.Post{
			Id: fmt.Sprint("post", number), RootId: fmt.Sprint("thread", number%100), ChannelId: "cid", UserId: "uid",
			Message: "a message of some length",
		})
	}))
	var problem trouble
	note(figures[3].name, 1000*p50(5000, func() {
		if response, refusal := h.command("/ireserve help"); refusal != nil || response == nil || response.Text == "" {
			problem.note("/ireserve help: %+v, %v", response, refusal)
		}
	}))
	get := func() {
		if answer := h.http("GET", "/v1/events/evt_1", nil); answer.Code != http.StatusServiceUnavailable {
			problem.note("GET: status %d", answer.Code)
		}
	}
	note(figures[4].name, 1000*p50(3000, get))
	note(figures[5].name, p50(20, func() { manyAtOnce(400, get) }))
	loaded, err := h.resident()
	if err != nil {
		return err
	}
	note(figures[6].name, loaded)
	about, err := os.Stat(s.built)
	if err != nil {
		return err
	}
	note(figures[8].name, float64(about.Size())/1e6)
	return problem.first
}

func (s subject) echo(version string, into map[string][]float64) error {
	h, err := s.activated(version)
	if err != nil {
		return err
	}
	defer h.close()
	body := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16)
	var problem trouble
	took := p50(30, func() {
		if answer := h.http("POST", "/echo", body); !bytes.Equal(answer.Body.Bytes(), body) {
			problem.note("echo: %d bytes with status %d", answer.Body.Len(), answer.Code)
		}
	})
	into[figures[7].name] = append(into[figures[7].name], took)
	return problem.first
}

// trouble is the first answer that was not as it should be: then the figures mean nothing.
type trouble struct {
	mutex sync.Mutex
	first error
}

func (t *trouble) note(format string, parts ...any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.first == nil {
		t.first = fmt.Errorf(format, parts...)
	}
}

func manyAtOnce(times int, act func()) {
	var group sync.WaitGroup
	for range times {
		group.Add(1)
		go func() {
			defer group.Done()
			act()
		}()
	}
	group.Wait()
}

func milliseconds(took time.Duration) float64 { return float64(took) / float64(time.Millisecond) }

// p50 is the middle of the times that `act` takes, in ms, after one time that does not count.
func p50(times int, act func()) float64 {
	act()
	all := make([]float64, times)
	for i := range all {
		start := time.Now()
		act()
		all[i] = milliseconds(time.Since(start))
	}
	return middle(all)
}

// resident is what the plugin's process has in memory, in MB, its executable's own pages included.
func (h *host) resident() (float64, error) {
	for _, process := range h.processes() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
		if err != nil {
			return 0, err
		}
		for _, line := range strings.Split(string(status), "\n") {
			if value, found := strings.CutPrefix(line, "VmRSS:"); found {
				var pages float64
				_, err := fmt.Sscan(value, &pages)
				return pages * 1024 / 1e6, err
			}
		}
	}
	return 0, fmt.Errorf("the plugin does not run")
}
