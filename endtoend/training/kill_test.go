package training_test

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/numerics"
)

func TestKilledDemoGoesOnToTheSameCheckpoint(t *testing.T) {
	t.Parallel()
	const steps = 3
	kills := flag.Lookup("kills").Value.(flag.Getter).Get().(int)
	flags := []string{"--seed", "9", "--steps", fmt.Sprint(steps)}
	undisturbed := demo(t, t.TempDir(), flags...)
	random := numerics.NewStream(uint64(time.Now().UnixNano()))
	for range kills {
		dir := t.TempDir()
		k := random.IntN(steps)
		cmd := programs.DemoCommand(t.Context(), "cohort", dir, heldOut, flags...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := programs.AwaitEntry(t.Context(), dir, k); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Fatalf("killed after entry %d: %v", k, err)
		}
		s := demo(t, dir, flags...)
		if s.Checkpoint != undisturbed.Checkpoint || s.Rollouts.Planned != undisturbed.Rollouts.Planned {
			t.Errorf("killed after entry %d: ended at %s with %+v, undisturbed at %s with %+v",
				k, s.Checkpoint, s.Rollouts, undisturbed.Checkpoint, undisturbed.Rollouts)
		}
	}
}
