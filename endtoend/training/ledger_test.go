package training_test

import (
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
)

func TestEveryPlannedRolloutHasOneFate(t *testing.T) {
	t.Parallel()
	_, s, j := finishedDemo(t)
	var all job.Totals
	for _, e := range j.Commits() {
		rows := j.Ledger(t, e.Commit.Ledger)
		var plans []*job.Plan
		for _, c := range j.Units(t, e) {
			plans = append(plans, c.Plan)
		}
		step := e.Commit.Checkpoint.Step
		if err := batch.Join(plans, rows); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		totals := batch.Totals(rows)
		if totals != e.Commit.Ledger.Totals {
			t.Errorf("step %d: the rows are %+v, the log says %+v", step, totals, e.Commit.Ledger.Totals)
		}
		if all = all.Plus(totals); all != e.Commit.Totals {
			t.Errorf("up to step %d the rows are %+v, the log says %+v", step, all, e.Commit.Totals)
		}
	}
	if all.Planned == 0 || all.Used+all.Dropped+all.Failed != all.Planned {
		t.Errorf("used, dropped and failed do not sum to planned: %+v", all)
	}
	if all != s.Rollouts {
		t.Errorf("the ledgers are %+v, the demo says %+v", all, s.Rollouts)
	}
}

func TestLedgerSaysWhatWasCollected(t *testing.T) {
	t.Parallel()
	_, _, j := finishedDemo(t)
	for _, e := range j.Commits() {
		var rounds []job.Round
		for _, c := range j.Units(t, e) {
			rounds = append(rounds, job.Round{Plan: c.Plan, Collects: c.Collects})
		}
		settled := job.Settle(rounds, j.Def.Spec)
		if got := batch.DigestOf(settled); got != e.Commit.Batch.Digest {
			t.Errorf("step %d: what was collected has digest %s, the commit names %s", e.Commit.Checkpoint.Step, got, e.Commit.Batch.Digest)
		}
		rows := j.Ledger(t, e.Commit.Ledger)
		for i, r := range settled {
			row := rows[i]
			if job.Reason(row.Reason) != r.Reason || row.Nonce != r.Nonce || row.Events != int64(r.Events) || row.Sample != string(r.Sample) {
				t.Errorf("step %d: row %+v, collected was %+v", e.Commit.Checkpoint.Step, row, r)
			}
		}
	}
}
