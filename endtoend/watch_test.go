package endtoend_test

import (
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

func TestWatchingTellsEveryEntryOfTheLogOnce(t *testing.T) {
	t.Parallel()
	to := sharedSystem(t)
	s := smallJob{agent: startAgent(t, nil).url, steps: 3, tasks: four()}
	id := s.submit(t, to)
	var entries []int
	var end *api.Job
	err := to.api.Watch(trained.Within(t, 2*time.Minute), id, 0, func(e api.Event) error {
		switch e.Kind {
		case api.EventEntry:
			entries = append(entries, e.Entry.N)
		case api.EventEnd:
			end = e.Job
		case api.EventHead, api.EventLost:
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	j := trained.Read(t, to.store, id)
	if len(entries) != len(j.Entries) {
		t.Errorf("told of entries %v, the log has %d", entries, len(j.Entries))
	}
	for i, n := range entries {
		if n != i {
			t.Errorf("told of entries %v", entries)
			break
		}
	}
	last := j.Commits()[2].Commit
	if end == nil || end.State != api.StateDone || end.Checkpoint != last.Checkpoint.Manifest || end.Totals != last.Totals {
		t.Errorf("the end is %+v, the last commit %+v", end, last)
	}
}
