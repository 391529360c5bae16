package training_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
)

// journal reads the log that the agent keeps itself: a row for each rollout
// that it answered, by thread.
func journal(t *testing.T, dir string) map[string]countdown.Row {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "agent.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := map[string]countdown.Row{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var row countdown.Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if _, twice := rows[row.Thread]; twice {
			t.Errorf("the agent was asked twice for thread %s", row.Thread)
		}
		rows[row.Thread] = row
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestLedgerAgreesWithTheAgentsOwnLog(t *testing.T) {
	t.Parallel()
	dir, _, j := finishedDemo(t)
	answered := journal(t, dir)
	for _, e := range j.Commits() {
		for _, row := range j.Ledger(t, e.Commit.Ledger) {
			if row.Fate == string(job.Failed) {
				continue
			}
			own, ok := answered[row.Thread]
			switch {
			case !ok:
				t.Errorf("step %d: the agent does not know thread %q of rollout %d/%d", row.Step, row.Thread, row.Group, row.Rollout)
			case own.Events != uint64(row.Events) || own.Greedy || row.Reward != nil && own.Reward != *row.Reward:
				t.Errorf("the agent logged %+v, the ledger %+v", own, row)
			}
			delete(answered, row.Thread)
		}
	}
	for _, c := range j.Evaluations(t) {
		for i, o := range c.Outcomes() {
			thread := c.Plan.Unit.ThreadID(o.Group, o.Rollout, o.Nonce)
			own, ok := answered[thread]
			if !ok || own.Events != uint64(o.Events) || !own.Greedy || o.Reward == nil || own.Reward != *o.Reward {
				t.Errorf("held-out task %d: the agent logged %+v, collected was %+v", i, own, o)
			}
			delete(answered, thread)
		}
	}
	named := superseded(t, j)
	for thread := range answered {
		if rollout := thread[:strings.LastIndex(thread, "/")]; !named[rollout] {
			t.Errorf("the agent answered for thread %s, which is in no ledger, and no record says that it was superseded", thread)
		}
	}
}

// superseded are the rollouts that ran more than once, by what their threads
// begin with: the records say so, or a shard of theirs was driven again.
func superseded(t *testing.T, j *trained.Job) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	units := j.Evaluations(t)
	for _, e := range j.Commits() {
		units = append(units, j.Units(t, e)...)
	}
	for _, c := range units {
		for i, r := range c.Rollouts {
			s := job.Shard{Unit: c.Plan.Unit, Phase: job.Rollout, Index: i}
			_, err := j.Store.Head(t.Context(), s.RedriveKey(2))
			for _, e := range r.Executions {
				if err == nil || e.Executions > 1 {
					named[strings.TrimSuffix(c.Plan.Unit.ThreadID(e.Group, e.Rollout, ""), "/")] = true
				}
			}
		}
	}
	return named
}
