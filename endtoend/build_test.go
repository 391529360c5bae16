package endtoend_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

// built is what all tests of a run share.
type built struct {
	once sync.Once
	dir  string
	err  error
}

var shared built // one build serves all tests

// program is the path of the cohort that this test run built.
func program(t *testing.T) string {
	t.Helper()
	return programNamed(t, "cohort")
}

func programNamed(t *testing.T, name string) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "cohort-endtoend-"); shared.err == nil { //nolint:usetesting // it outlives the test that needs it first
			shared.err = programs.Build(context.WithoutCancel(t.Context()), shared.dir, "cmd/cohort", "cmd/coordinator", "cmd/worker")
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return filepath.Join(shared.dir, name)
}

// remove deletes what was built.
func remove() {
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}
