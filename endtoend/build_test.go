package endtoend_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
)

// programs are those that all tests of a run share.
type programs struct {
	once sync.Once
	dir  string
	err  error
}

var shared programs // one build serves all tests

// built builds the programs the first time, with the race detector if the tests
// have it, so that nothing is compiled twice. It returns their folder.
func built() (string, error) {
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "cohort-endtoend-"); shared.err != nil {
			return
		}
		args := []string{"build", "-ldflags=-w", "-o", shared.dir + string(filepath.Separator)}
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "-race" && s.Value == "true" {
					args = append(args, "-race")
				}
			}
		}
		out, err := exec.Command("go", append(args, "../cmd/cohort", "../cmd/coordinator", "../cmd/worker")...).CombinedOutput()
		if err != nil {
			shared.err = fmt.Errorf("build the programs: %w\n%s", err, out)
		}
	})
	return shared.dir, shared.err
}

// program is the path of the cohort that this test run built.
func program(t *testing.T) string {
	t.Helper()
	return programNamed(t, "cohort")
}

func programNamed(t *testing.T, name string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// remove deletes what was built.
func remove() {
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}
