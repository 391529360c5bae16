package training_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

// heldOut is how many tasks an evaluation attempts.
const heldOut = 20

func TestMain(m *testing.M) {
	flag.Int("kills", 2, "how often a demo is killed")
	flag.Int("steps", 2, "steps before and after a checkpoint that a job is continued from")
	flag.Bool("damage", false, "damage a demo in every way")
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	remove, err := programs.OnPath(context.Background(), "cmd/cohort")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	defer finished.remove()
	return m.Run()
}

// demo runs cohort demo to its end.
func demo(t *testing.T, dir string, flags ...string) programs.Summary {
	t.Helper()
	s, err := programs.Demo(t.Context(), "cohort", dir, heldOut, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
