package batch_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
)

// settled are two rounds of one group of two rollouts, and their rows.
func settled() ([]*job.Plan, []job.Row) {
	var plans []*job.Plan
	var rows []job.Row
	value := 0.5
	for round := range 2 {
		p := &job.Plan{
			Unit: job.Unit{Job: "j", Step: 2, Round: round}, Policy: job.PolicyRef{Weights: weights},
			First: round, Tasks: []int{30 + round}, Rollouts: 2,
		}
		plans = append(plans, p)
		rows = append(rows,
			job.Row{Unit: p.Unit, Task: 30 + round, Outcome: job.Outcome{
				Group: round, Rollout: 0, Nonce: "n", Events: 4, Decisions: 2, Attempts: 1, Reward: &value, Sample: weights,
			}},
			job.Row{Unit: p.Unit, Task: 30 + round, Outcome: job.Outcome{
				Group: round, Rollout: 1, Reason: job.AgentError, Detail: "it said no", Attempts: 3,
			}})
	}
	return plans, rows
}

func TestLedgerJoinsItsPlansAndSurvivesParquet(t *testing.T) {
	t.Parallel()
	plans, rows := settled()
	ledger, err := batch.Ledger(plans, rows)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := batch.Totals(ledger), (job.Totals{Planned: 4, Used: 2, Failed: 2}); got != want {
		t.Fatalf("totals %+v, want %+v", got, want)
	}
	if l := ledger[0]; l.Thread != "j/2/0/0/n" || l.Fate != "used" || *l.Reward != 0.5 || l.Policy != string(weights) {
		t.Fatalf("row %+v", l)
	}
	if l := ledger[3]; l.Thread != "" || l.Fate != "failed" || l.Reward != nil || l.Round != 1 {
		t.Fatalf("row %+v", l)
	}
	files, err := batch.WriteLedger(ledger)
	if err != nil || len(files) != 1 {
		t.Fatal(len(files), err)
	}
	got, err := batch.ReadLedger(files[0])
	if err != nil || !reflect.DeepEqual(got, ledger) {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestLedgerThatDoesNotJoinIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hurt func(rows []batch.Row) []batch.Row
		says string
	}{
		"one missing":    {func(rows []batch.Row) []batch.Row { return rows[:3] }, "ends with row 2"},
		"one too many":   {func(rows []batch.Row) []batch.Row { return append(rows, rows[3]) }, "5 rows for 4"},
		"twice":          {func(rows []batch.Row) []batch.Row { rows[1] = rows[0]; return rows }, "row 1"},
		"swapped":        {func(rows []batch.Row) []batch.Row { rows[0], rows[1] = rows[1], rows[0]; return rows }, "row 0"},
		"another task":   {func(rows []batch.Row) []batch.Row { rows[2].Task++; return rows }, "row 2"},
		"another fate":   {func(rows []batch.Row) []batch.Row { rows[1].Fate = "dropped"; return rows }, "means failed"},
		"used, no score": {func(rows []batch.Row) []batch.Row { rows[0].Reward = nil; return rows }, "without a sample"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plans, rows := settled()
			ledger, err := batch.Ledger(plans, rows)
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.Join(plans, c.hurt(ledger)); !errors.Is(err, batch.ErrLedger) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v; want %q", err, c.says)
			}
		})
	}
}

func TestRowsOfAnUnplannedUnitAreRefused(t *testing.T) {
	t.Parallel()
	plans, rows := settled()
	if _, err := batch.Ledger(plans[:1], rows); !errors.Is(err, batch.ErrLedger) {
		t.Fatal(err)
	}
}
