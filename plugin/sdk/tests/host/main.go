// Command host loads a built plugin, examples/probe, into Mattermost's own plugin environment and looks whether everything
// works. Which Mattermost that is, the module file says: go.mod is 11.6, mattermost-9.11.mod is 9.11.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func main() {
	probe := flag.String("probe", "", "the built example `probe`")
	version := flag.String("version", "0.0.0", "the version that the server says it has")
	only := flag.String("only", "", "run only checks whose name contains this")
	bench := flag.Bool("bench", false, "print figures instead of checking")
	hold := flag.Bool("hold", false, "activate, print the folder, and wait to be killed")
	flag.Parse()

	path, err := filepath.Abs(*probe)
	if err != nil {
		fail(err)
	}
	switch {
	case *hold:
		h := activated(*version, path)
		fmt.Println(h.folder)
		select {}
	case *bench:
		h := activated(*version, path)
		defer h.close()
		if err := figures(h); err != nil {
			fail(err)
		}
	case !all(*version, path, *only):
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func activated(version, probe string) *host {
	h, err := newHost(version, probe, map[string]any{})
	if err == nil {
		err = h.activate()
	}
	if err != nil {
		fail(err)
	}
	return h
}

// all runs the checks side by side, each with an environment and a process of its own, and says whether all are well.
func all(version, probe, only string) bool {
	var group sync.WaitGroup
	var mutex sync.Mutex
	well := true
	run := func(name string, act func() error) {
		if !strings.Contains(name, only) {
			return
		}
		group.Add(1)
		go func() {
			defer group.Done()
			start := time.Now()
			err := act()
			mutex.Lock()
			defer mutex.Unlock()
			took := time.Since(start).Round(time.Millisecond)
			if err != nil {
				well = false
				fmt.Printf("FAILED %s %s (%v)\n     %v\n", version, name, took, err)
				return
			}
			fmt.Printf("ok     %s %s (%v)\n", version, name, took)
		}()
	}
	for _, check := range checks {
		run(check.name, func() error { return one(version, probe, check) })
	}
	run("a plugin whose server is killed ends by itself", func() error { return orphan(version, probe) })
	group.Wait()
	return well
}

func one(version, probe string, check check) error {
	settings := check.settings
	if settings == nil {
		settings = map[string]any{"key": "stored"}
	}
	h, err := newHost(version, probe, settings)
	if err != nil {
		return err
	}
	defer h.close()
	if !check.inactive {
		if err := h.activate(); err != nil {
			return err
		}
	}
	return check.run(h)
}
