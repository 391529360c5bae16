package trainer_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/bench/learning/trainer"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

const steps = 3

func TestTrainerEndsAtTheWeightsOfTheDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	bin := t.TempDir()
	if err := programs.Build(t.Context(), bin, "cmd/cohort"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"linear": countdown.Job(), "mlp": countdown.JobMLP()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := demo(t, filepath.Join(bin, "cohort"), name)
			trained := newTrainer(t, text)
			got := []blob.Digest{trained.WeightsDigest()}
			for range steps {
				step(t, trained)
				got = append(got, trained.WeightsDigest())
			}
			if !slices.Equal(got, want) {
				t.Errorf("weights %v, the demo's %v", got, want)
			}
		})
	}
}

// With staleness the first steps are played under the weights of step 0, and what
// was played is recorded as those weights decided it.
func TestTrainerPlaysUnderOlderWeights(t *testing.T) {
	t.Parallel()
	text := func(k string) []byte {
		return []byte(string(countdown.Job()) + "\ngrpo: {old: sampling" + k + "}\n")
	}
	fresh, stale := newTrainer(t, text("")), newTrainer(t, text(", staleness: 1"))
	for n := range 2 {
		a, b := step(t, fresh), step(t, stale)
		if same := fresh.WeightsDigest() == stale.WeightsDigest(); same != (n == 0) {
			t.Errorf("after step %d the weights are the same: %t", n+1, same)
		}
		if same := slices.Equal(a.Samples[0].LogProbs, b.Samples[0].LogProbs); same != (n == 0) {
			t.Errorf("in step %d the policies decide the same: %t", n+1, same)
		}
	}
}

// Rounds are drawn until enough groups teach something, and their rollouts are
// used, dropped or surplus as a job's are.
func TestTrainerDrawsFurtherRounds(t *testing.T) {
	t.Parallel()
	text := string(countdown.Job()) + "\ngrpo:\n  dynamic_sampling: {rounds: 10}\n"
	report := step(t, newTrainer(t, []byte(text)))
	if report.Totals.Planned <= 32*8 || report.Totals.Used != 32*8 || len(report.Samples) != 32*8 {
		t.Errorf("%+v and %d samples, want 32 full groups of more than one round", report.Totals, len(report.Samples))
	}
	if last := report.Samples[len(report.Samples)-1]; last.Group < 32 {
		t.Errorf("the last sample is of group %d, want one of a further round", last.Group)
	}
}

func TestCurvesDoNotDependOnWhichSeedsTrainBesideThem(t *testing.T) {
	t.Parallel()
	s := decode(t, countdown.Job())
	data := example(t)
	data.HeldOut = data.HeldOut[:50]
	together, err := trainer.Curves(t.Context(), s, data, []uint64{3, 1, 2}, []int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := trainer.Curves(t.Context(), s, data, []uint64{1}, []int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	if together[1].Seed != 1 || !slices.Equal(together[1].Success, alone[0].Success) {
		t.Errorf("seed 1 alone %v, beside others %v", alone[0], together[1])
	}
	if alone[0].Success[1] <= alone[0].Success[0] {
		t.Errorf("two steps taught nothing: %v", alone[0].Success)
	}
}

func decode(t *testing.T, text []byte) *spec.Spec {
	t.Helper()
	s, err := spec.Decode("job.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func example(t *testing.T) trainer.Data {
	t.Helper()
	data, err := trainer.Example()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newTrainer(t *testing.T, text []byte) *trainer.Trainer {
	t.Helper()
	made, err := trainer.New(decode(t, text), example(t))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func step(t *testing.T, trained *trainer.Trainer) trainer.Report {
	t.Helper()
	report, err := trained.Step(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// demo returns the weights of step 0 and of each step of a demo with seed 1.
func demo(t *testing.T, program, policy string) []blob.Digest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, program, "demo", "--dir", dir, "--policy", policy, "--seed", "1", "--steps", "3", "--held-out", "1", "-o", "json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cohort demo: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var summary struct {
		Job job.ID `json:"job"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	store, err := fs.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	last, err := checkpoint.LastEntry(ctx, store, summary.Job, -1)
	if err != nil {
		t.Fatal(err)
	}
	var weights []blob.Digest
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, store, summary.Job, n)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Begin != nil:
			weights = append(weights, e.Begin.Checkpoint.Weights)
		case e.Commit != nil:
			weights = append(weights, e.Commit.Checkpoint.Weights)
		}
	}
	if len(weights) != steps+1 {
		t.Fatalf("the demo's log has %d checkpoints, want %d", len(weights), steps+1)
	}
	return weights
}
