package training_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

func TestSameSeedEndsAtTheSameCheckpointWithAnyNumberOfWorkers(t *testing.T) {
	t.Parallel()
	var first blob.Digest
	for _, workers := range []string{"1", "3", "8"} {
		s := demo(t, t.TempDir(), "--workers", workers, "--seed", "5", "--steps", "3")
		if s.State != "done" || s.Steps != 3 {
			t.Fatalf("with %s workers: %+v", workers, s)
		}
		if r := s.Rollouts; r.Planned != 3*32*8 || r.Used+r.Dropped+r.Failed != r.Planned {
			t.Errorf("with %s workers: rollouts %+v", workers, r)
		}
		if first == "" {
			first = s.Checkpoint
		}
		if s.Checkpoint != first {
			t.Errorf("with %s workers: checkpoint %s, with 1 worker %s", workers, s.Checkpoint, first)
		}
	}
	if other := demo(t, t.TempDir(), "--seed", "6", "--steps", "3"); other.Checkpoint == first {
		t.Error("another seed ended at the same checkpoint")
	}
}

func TestContinuedJobEndsWhereOneJobDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policy, half, all string }{{"linear", "10", "20"}, {"mlp", "2", "4"}} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			whole := demo(t, t.TempDir(), "--steps", c.all, "--policy", c.policy)
			dir := t.TempDir()
			half := demo(t, dir, "--steps", c.half, "--policy", c.policy)
			rest := demo(t, dir, "--steps", c.all, "--policy", c.policy, "--start", string(half.Checkpoint))
			if rest.Job == half.Job {
				t.Fatal("the second job is the first")
			}
			if rest.Checkpoint != whole.Checkpoint {
				t.Errorf("%s steps and as many more end at %s, %s steps at %s", c.half, rest.Checkpoint, c.all, whole.Checkpoint)
			}
		})
	}
}
