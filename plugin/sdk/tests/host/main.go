// Command host loads built plugins into Mattermost's own plugin environment and looks whether everything works: examples/probe, which
// does everything once, and ireserve-plugin as it is shipped. Which Mattermost that is, the module file says: go.mod is 11.6,
// mattermost-9.11.mod is 9.11.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/plugin"
)

// subject is a plugin with what is to be looked at.
type subject struct {
	bundle
	checks []check
	// api makes the server that the plugin expects.
	api func(h *host, version string, settings map[string]any) plugin.API
	// arguments are how this program is told of it.
	arguments []string
}

func main() {
	probe := flag.String("probe", "", "the built example `probe`")
	bridge := flag.String("plugin", "", "the built `ireserve-plugin`")
	manifest := flag.String("manifest", "", "its `plugin.json`; needed with -plugin")
	version := flag.String("version", "0.0.0", "the version that the server says it has")
	only := flag.String("only", "", "run only checks whose name contains this")
	goPlugin := flag.String("go", "", "the built `goplugin`: measure, instead of checking, -plugin and -probe beside it")
	rounds := flag.Int("rounds", 5, "of measuring")
	hold := flag.Bool("hold", false, "activate, print the folder, and wait to be killed")
	flag.Parse()

	var subjects []subject
	if *probe != "" {
		subjects = append(subjects, probeSubject(absolute(*probe)))
	}
	if *bridge != "" {
		subjects = append(subjects, bridgeSubject(absolute(*bridge), absolute(*manifest)))
	}
	switch {
	case len(subjects) == 0:
		fail(fmt.Errorf("nothing to look at: give -probe or -plugin"))
	case *hold:
		h, err := subjects[0].activated(*version)
		if err != nil {
			fail(err)
		}
		fmt.Println(h.folder)
		select {}
	case *goPlugin != "" && len(subjects) == 2:
		if err := compare(subjects[1], subjects[0], absolute(*goPlugin), *version, *rounds); err != nil {
			fail(err)
		}
	case *goPlugin != "":
		fail(fmt.Errorf("measuring needs -probe, -plugin and -manifest as well"))
	case !all(subjects, *version, *only):
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func absolute(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		fail(err)
	}
	return whole
}

// activated is the plugin in an environment of its own, with settings as they are on the first day.
func (s subject) activated(version string) (*host, error) {
	h, err := s.installed(version, map[string]any{})
	if err != nil {
		return nil, err
	}
	return h, h.activate()
}

func (s subject) installed(version string, settings map[string]any) (*host, error) {
	h, err := newHost(s.bundle)
	if err != nil {
		return nil, err
	}
	return h, h.open(s.api(h, version, settings))
}

// sideBySide checks run at once, so that those that look at the clock see the plugin's time and not that of all the others.
const sideBySide = 3

// all runs the checks, each with an environment and a process of its own, and says whether all are well.
func all(subjects []subject, version, only string) bool {
	var group sync.WaitGroup
	var mutex sync.Mutex
	well := true
	places := make(chan struct{}, sideBySide)
	run := func(name string, patient bool, act func() error) {
		if !strings.Contains(name, only) {
			return
		}
		group.Add(1)
		go func() {
			defer group.Done()
			if !patient {
				places <- struct{}{}
				defer func() { <-places }()
			}
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
	for _, subject := range subjects {
		for _, check := range subject.checks {
			run(subject.executable+": "+check.name, check.patient, func() error { return subject.one(version, check) })
		}
		run(subject.executable+": a plugin whose server is killed ends by itself", false, func() error { return orphan(subject, version) })
	}
	group.Wait()
	return well
}

func (s subject) one(version string, check check) error {
	settings := check.settings
	if settings == nil {
		settings = map[string]any{"key": "stored"}
	}
	h, err := s.installed(version, settings)
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
