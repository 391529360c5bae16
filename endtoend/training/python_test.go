package training_test

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/interop/python"
)

func TestPythonReadsTheResultsOfADemo(t *testing.T) {
	t.Parallel()
	_, s, j := finishedDemo(t)
	out := filepath.Join(t.TempDir(), "out")
	command := exec.CommandContext(trained.Within(t, time.Minute), "cohort", "results", string(s.Job), "--store", s.Store, "-o", out, "--batches")
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("cohort results: %v\n%s", err, said)
	}

	found := python.ReadResults(t, out)

	commits := j.Commits()
	manifest, _, err := checkpoint.LoadWeights(trained.Within(t, time.Minute), j.Store, j.Def.ID, commits[len(commits)-1].Commit.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Policy.Tensors) != len(manifest.Weights) {
		t.Errorf("tensors %v, the manifest has %v", found.Policy.Tensors, manifest.Weights)
	}
	for _, w := range manifest.Weights { // each in one chunk
		if got := found.Policy.Tensors[w.Name]; got.DType != "float32" || got.SHA256 != string(w.Chunks[0].Digest) {
			t.Errorf("tensor %s is %+v, the manifest says %+v", w.Name, got, w)
		}
	}
	ledger := found.Tables["ledger.parquet"]
	fates := ledger.Columns["fate"].Counts
	if ledger.Rows != s.Rollouts.Planned || fates["used"] != s.Rollouts.Used || fates["dropped"] != s.Rollouts.Dropped || fates["failed"] != s.Rollouts.Failed {
		t.Errorf("the ledger has %d rows with fates %v, the demo says %+v", ledger.Rows, fates, s.Rollouts)
	}
	pythonReadsBatches(t, j, found)
}

// pythonReadsBatches compares the samples that Python finds with the ledgers.
func pythonReadsBatches(t *testing.T, j *trained.Job, found python.Results) {
	t.Helper()
	samples := 0
	var rewards float64
	for _, e := range j.Commits() {
		rows := j.Ledger(t, e.Commit.Ledger)
		for i := range rows {
			if r := &rows[i]; r.Reward != nil {
				samples, rewards = samples+1, rewards+*r.Reward
			}
		}
	}
	read := 0
	var sum float64
	for name, table := range found.Tables {
		if match, err := filepath.Match("batches/*.parquet", name); err != nil || !match {
			continue
		}
		read += table.Rows
		sum += table.Columns["reward"].Sum
		if table.Columns["log_probs"].Sum >= 0 {
			t.Errorf("%s: log-probabilities are %+v", name, table.Columns["log_probs"])
		}
	}
	if read != samples || sum != rewards {
		t.Errorf("batches hold %d samples with rewards of %g, the ledgers name %d with %g", read, sum, samples, rewards)
	}
}
