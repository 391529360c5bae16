package training_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

// ended is a demo that has ended, and what it left behind.
type ended struct {
	once    sync.Once
	dir     string
	summary programs.Summary
	err     error
}

var finished ended // one demo serves all tests that look into what a demo leaves

// finishedDemo is the folder of the demo and the job that it trained.
func finishedDemo(t *testing.T) (string, programs.Summary, *trained.Job) {
	t.Helper()
	finished.once.Do(func() {
		if finished.dir, finished.err = os.MkdirTemp("", "cohort-demo-"); finished.err != nil { //nolint:usetesting // it outlives the test that needs it first
			return
		}
		finished.summary, finished.err = programs.Demo(context.WithoutCancel(t.Context()), "cohort", finished.dir, heldOut, "--workers", "3", "--steps", "3", "--seed", "11")
	})
	if finished.err != nil {
		t.Fatal(finished.err)
	}
	store, err := fs.Open(storeOf(finished.dir))
	if err != nil {
		t.Fatal(err)
	}
	return finished.dir, finished.summary, trained.Read(t, store, finished.summary.Job)
}

func (e *ended) remove() {
	if e.dir != "" {
		_ = os.RemoveAll(e.dir)
	}
}
