package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// figures measures, and judges nothing.
func figures(h *host) error {
	hooks, err := h.hooks()
	if err != nil {
		return err
	}
	fmt.Printf("activation %v, resident idle %s\n", h.activation.Round(time.Millisecond/10), h.resident())
	post := &model.Post{Id: "pid", ChannelId: "cid", UserId: "uid", Message: "a message of some length"}
	h.times("MessageHasBeenPosted", 5000, func() { hooks.MessageHasBeenPosted(&plugin.Context{}, post) })
	h.times("ExecuteCommand", 5000, func() {
		_, _ = hooks.ExecuteCommand(&plugin.Context{}, &model.CommandArgs{Command: "/probe plain"})
	})
	h.times("ServeHTTP GET", 2000, func() { h.http("GET", "/hello", nil) })
	body := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16)
	h.times("ServeHTTP POST 3 MiB echoed", 30, func() { h.http("POST", "/echo", body) })
	h.times("400 GET at once", 10, func() {
		var group sync.WaitGroup
		for range 400 {
			group.Add(1)
			go func() {
				defer group.Done()
				if answer := h.http("GET", "/hello", nil); answer.Code != http.StatusOK {
					panic(answer.Code)
				}
			}()
		}
		group.Wait()
	})
	fmt.Printf("resident after that %s, processor time %v\n", h.resident(), h.processor())
	start := time.Now()
	h.environment.Deactivate(id)
	fmt.Printf("deactivation %v\n", time.Since(start).Round(time.Millisecond/10))
	return nil
}

func (h *host) times(name string, rounds int, act func()) {
	act()
	all := make([]time.Duration, rounds)
	for i := range all {
		start := time.Now()
		act()
		all[i] = time.Since(start)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	p50, p99 := all[rounds/2].Round(time.Microsecond), all[rounds*99/100].Round(time.Microsecond)
	fmt.Printf("%s p50 %v p99 %v, resident %s\n", name, p50, p99, h.resident())
}

// processor is the time that the plugin's process has used, in user mode and in the kernel.
func (h *host) processor() time.Duration {
	for _, process := range h.processes() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
		if err != nil {
			continue
		}
		// After the name in brackets the fields are plain; the twelfth and thirteenth of them count hundredths of a second.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		var user, system int
		_, _ = fmt.Sscan(fields[11], &user)
		_, _ = fmt.Sscan(fields[12], &system)
		return time.Duration(user+system) * 10 * time.Millisecond
	}
	return 0
}

func (h *host) resident() string {
	for _, process := range h.processes() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(status), "\n") {
			if value, found := strings.CutPrefix(line, "VmRSS:"); found {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown"
}
