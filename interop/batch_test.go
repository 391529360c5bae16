package interop_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/interop/python"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
)

// The columns are what users' programs name: changing one breaks them.
func TestPythonReadsBatchAndLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plan := &job.Plan{
		Unit: job.Unit{Job: "j", Step: 3}, Policy: job.PolicyRef{Weights: "w"}, Tasks: []int{8}, Rollouts: 2,
	}
	sample := batch.Sample{
		Task: 8, Reward: 0.5, Policy: "w", LogProbs: []float32{-0.25, -0.5},
		Choices: policy.Choices{Width: 2, Features: []float32{1, 2, 3, 4, 5, 6}, Offsets: []int{0, 2, 3}, Chosen: []int32{1, 0}},
	}
	ledger, err := batch.Ledger([]*job.Plan{plan}, []job.Row{
		{Unit: plan.Unit, Task: 8, Outcome: job.Outcome{Nonce: "n", Events: 5, Decisions: 2, Reward: &sample.Reward, Sample: sample.Digest()}},
		{Unit: plan.Unit, Task: 8, Outcome: job.Outcome{Rollout: 1, Reason: job.AgentTimeout, Attempts: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ledgers, err := batch.WriteLedger(ledger)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := batch.Write(3, 0, []batch.Sample{sample})
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"ledger.parquet": ledgers[0], "batch.parquet": samples[0]} {
		if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	found := python.ReadResults(t, dir).Tables

	check(t, found["batch.parquet"], 1, map[string]python.Column{
		"step":       {Type: "int64", Sum: 3},
		"round":      {Type: "int64"},
		"group":      {Type: "int64"},
		"rollout":    {Type: "int64"},
		"task":       {Type: "int64", Sum: 8},
		"reward":     {Type: "double", Sum: 0.5},
		"policy":     {Type: "string"},
		"digest":     {Type: "string"},
		"width":      {Type: "int32", Sum: 2},
		"candidates": {Type: "list<element: int32 not null>", Sum: 3},
		"chosen":     {Type: "list<element: int32 not null>", Sum: 1},
		"log_probs":  {Type: "list<element: float not null>", Sum: -0.75},
		"features":   {Type: "list<element: float not null>", Sum: 21},
		"truncated":  {Type: "bool"},
		"rewards":    {Type: "list<element: double not null>"},
	})
	check(t, found["ledger.parquet"], 2, map[string]python.Column{
		"step":      {Type: "int64", Sum: 6},
		"round":     {Type: "int64"},
		"group":     {Type: "int64"},
		"rollout":   {Type: "int64", Sum: 1},
		"task":      {Type: "int64", Sum: 16},
		"fate":      {Type: "string"},
		"reason":    {Type: "string"},
		"detail":    {Type: "string"},
		"thread":    {Type: "string"},
		"nonce":     {Type: "string"},
		"attempts":  {Type: "int64", Sum: 3},
		"events":    {Type: "int64", Sum: 5},
		"decisions": {Type: "int64", Sum: 2},
		"reward":    {Type: "double", Nulls: 1, Sum: 0.5},
		"sample":    {Type: "string"},
		"policy":    {Type: "string"},
		"eval":      {Type: "string"},
	})
	if fates := found["ledger.parquet"].Columns["fate"].Counts; fates["used"] != 1 || fates["failed"] != 1 {
		t.Errorf("fates are %v", fates)
	}
}

func check(t *testing.T, got python.Table, rows int, want map[string]python.Column) {
	t.Helper()
	if got.Rows != rows || len(got.Columns) != len(want) {
		t.Errorf("%d rows of %d columns, want %d of %d", got.Rows, len(got.Columns), rows, len(want))
	}
	for name, w := range want {
		if g := got.Columns[name]; g.Type != w.Type || g.Nulls != w.Nulls || g.Sum != w.Sum {
			t.Errorf("column %s is %+v, want %+v", name, g, w)
		}
	}
}
