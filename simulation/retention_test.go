package simulation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

// mayGo checks that a blob that is about to be deleted is of none of the newest
// checkpoints, and of none that is not marked as pruned.
func (s *store) mayGo(key string) {
	if !strings.Contains(key, "/steps/") || s.contradiction != nil {
		return
	}
	id := jobOf(key)
	s.contradiction = s.kept(id, func(c job.Checkpoint, place string) error {
		if place == key {
			return fmt.Errorf("%s is deleted, which the kept checkpoint of step %d refers to", key, c.Step)
		}
		return nil
	})
}

// jobOf is whose a key is, empty for those of nobody.
func jobOf(key string) job.ID {
	name, _, _ := strings.Cut(strings.TrimPrefix(key, job.JobsPrefix), "/")
	return job.ID(name)
}

// newest is how many of the newest checkpoints are kept in any case: as many more
// as the staleness.
const newest = 2

// kept calls check for every blob of every checkpoint that is kept: those that
// no mark says were pruned, and the newest whatever marks say.
func (s *store) kept(id job.ID, check func(c job.Checkpoint, key string) error) error {
	ctx := context.Background()
	last, err := checkpoint.LastEntry(ctx, s.Bucket, id, -1)
	if err != nil || last < 0 {
		return err
	}
	line, err := repair.ReadLine(ctx, s.Bucket, id, last)
	if err != nil {
		return err
	}
	pruned, err := retention.Pruned(ctx, s.Bucket, id)
	if err != nil {
		return err
	}
	for i, e := range line.Entries {
		c, _ := e.NewCheckpoint()
		if pruned[c.Manifest] && i < len(line.Entries)-newest-s.staleness[id] {
			continue
		}
		for _, c := range append(e.Copies(), c) {
			for _, p := range c.Places {
				if err := check(c, id.StepPrefix(p.Folder.Generation, p.Folder.Step)+string(p.Digest)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// whole checks that no kept checkpoint misses a blob, but for those that rotted.
func (s *store) whole(id job.ID) error {
	return s.kept(id, func(c job.Checkpoint, key string) error {
		if _, err := s.Get(context.Background(), key); err != nil {
			if _, rotten := s.damages[key]; !rotten {
				return fmt.Errorf("the kept checkpoint of step %d misses a blob: %w", c.Step, err)
			}
		}
		return nil
	})
}

// Checkpoints are pruned while processes crash, stand still, take over and go
// back: no kept one ever misses a blob, and the job ends as the undisturbed one,
// which keeps all.
func TestPruningNeverTakesWhatIsKept(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	pruned, rewinds := 0, 0
	for n := range setting[int]("rots") {
		p := planOf(setting[uint64]("seed") + uint64(n))
		p.keep, p.steps, p.rot, p.cancel = 1+int(p.seed-1)%2, 5, (p.seed-1)%4 > 1, false
		o, err := refs.check(t, p)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", p.seed, err, o.history)
			break
		}
		pruned, rewinds = pruned+o.pruned, rewinds+o.rewinds
	}
	t.Logf("%d checkpoints were pruned, %d rewinds", pruned, rewinds)
	if pruned == 0 && setting[int]("rots") > 1 {
		t.Error("nothing was pruned")
	}
}
