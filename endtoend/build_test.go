package endtoend_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
)

// binary is the cohort that all tests of a run share.
type binary struct {
	once sync.Once
	dir  string
	path string
	err  error
}

var shared binary //nolint:gochecknoglobals // one build serves all tests

// built builds cohort the first time, with the race detector if the tests have
// it, so that nothing is compiled twice.
func built() (string, error) {
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "cohort-endtoend-"); shared.err != nil {
			return
		}
		shared.path = filepath.Join(shared.dir, "cohort")
		args := []string{"build", "-ldflags=-w", "-o", shared.path}
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "-race" && s.Value == "true" {
					args = append(args, "-race")
				}
			}
		}
		out, err := exec.Command("go", append(args, "../cmd/cohort")...).CombinedOutput()
		if err != nil {
			shared.err = fmt.Errorf("build cohort: %w\n%s", err, out)
		}
	})
	return shared.path, shared.err
}

// remove deletes what was built.
func remove() {
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}
