package training_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
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

// A job that is continued, in the same store or in another into which its folder
// was copied, ends where one does that makes all the steps.
func TestContinuedJobEndsWhereOneJobDoes(t *testing.T) {
	t.Parallel()
	steps := flag.Lookup("steps").Value.(flag.Getter).Get().(int)
	for _, c := range []struct {
		policy    string
		steps     int
		elsewhere bool
	}{{"linear", steps, false}, {"mlp", 2, true}} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			half, all := fmt.Sprint(c.steps), fmt.Sprint(2*c.steps)
			whole := demo(t, t.TempDir(), "--steps", all, "--policy", c.policy)
			dir := t.TempDir()
			first := demo(t, dir, "--steps", half, "--policy", c.policy)
			if c.elsewhere {
				from := filepath.Join(storeOf(dir), "jobs")
				dir = t.TempDir()
				if err := os.CopyFS(filepath.Join(storeOf(dir), "jobs"), os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
			}
			rest := demo(t, dir, "--steps", all, "--policy", c.policy, "--start", string(first.Checkpoint))
			if rest.Job == first.Job {
				t.Fatal("the second job is the first")
			}
			if rest.Checkpoint != whole.Checkpoint {
				t.Errorf("%s steps and as many more end at %s, %s steps at %s", half, rest.Checkpoint, all, whole.Checkpoint)
			}
		})
	}
}
