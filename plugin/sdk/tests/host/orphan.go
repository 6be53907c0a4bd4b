package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// orphan starts this program once more, lets it activate the plugin, and kills it: no goodbye reaches the plugin.
func orphan(s subject, version string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, append([]string{"-version", version, "-hold"}, s.arguments...)...)
	output, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	// Also when a look at it failed: it would wait for ever.
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	line := make([]byte, 4096)
	n, err := output.Read(line)
	if err != nil {
		return err
	}
	h := &host{bundle: s.bundle, folder: strings.TrimSpace(string(line[:n]))}
	defer os.RemoveAll(h.folder)
	// There may be a second one for a moment: a sidecar that could not become another program yet.
	if len(h.processes()) == 0 {
		return errors.New("the plugin does not run")
	}
	if err := child.Process.Kill(); err != nil {
		return err
	}
	return h.gone(2 * time.Second)
}
