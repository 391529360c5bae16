package endtoend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
)

// The agent misbehaves at one task of four. The rollouts of that one get the
// fate of that name; the others are none the worse.
func TestMisbehavingAgentIsANamedFate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mischief mischief
		timeout  string
		attempts int
		reason   job.Reason
		detail   string
		// failures is how many executions count as the agent's own failure, and
		// collections how often the step was rolled out again.
		failures, collections int
	}{
		{mischief: refuses, attempts: 3, reason: job.AgentError, detail: "status 500", failures: 3},
		{mischief: late, timeout: "3s", attempts: 1, reason: job.AgentTimeout, detail: "timed_out", failures: 1},
		{mischief: silent, timeout: "3s", attempts: 1, reason: job.AgentTimeout, detail: "did not answer in its time", failures: 1},
		{mischief: breaks, attempts: 2, reason: job.AgentCrashed, detail: "broke the connection"},
		{mischief: promises, attempts: 2, reason: job.IncompleteTrace, detail: "1 of 5 events are missing", failures: 1, collections: 1},
		{mischief: endless, attempts: 2, reason: job.IncompleteTrace, detail: "no end"},
		{mischief: unreward, reason: job.NoReward},
		{mischief: notNumber, reason: job.InvalidReward},
		{mischief: stale, reason: job.StalePolicy, detail: `"latest"`},
		{mischief: idle, reason: job.NoDecision},
	} {
		t.Run(string(c.mischief), func(t *testing.T) {
			t.Parallel()
			tasks := four()
			tasks[2].Mischief = c.mischief
			s := smallJob{agent: startAgent(t, nil).url, steps: 1, tasks: tasks, timeout: c.timeout, attempts: c.attempts}
			head, j := s.run(t, sharedSystem(t))
			wantDone(t, head)
			commit := j.Commits()[0].Commit
			if commit.Rounds[0].Collection != c.collections {
				t.Errorf("the step was rolled out again %d times, want %d", commit.Rounds[0].Collection, c.collections)
			}
			for _, row := range j.Ledger(t, commit.Ledger) {
				switch {
				case row.Task == 2:
					wantFate(t, row, c.reason, c.detail)
					if row.Attempts != int64(c.failures) {
						t.Errorf("rollout %d/%d failed %d times, want %d", row.Group, row.Rollout, row.Attempts, c.failures)
					}
				case row.Fate == string(job.Failed) || row.Reward == nil:
					t.Errorf("the agent behaved well, and the row is %+v", row)
				}
			}
			if head.Totals.Planned != 4*rollouts || head.Totals.Used == 0 {
				t.Errorf("totals are %+v", head.Totals)
			}
		})
	}
}

func wantFate(t *testing.T, row batch.Row, reason job.Reason, detail string) {
	t.Helper()
	if row.Reason != string(reason) || row.Fate != string(job.FateOf(reason)) || !strings.Contains(row.Detail, detail) {
		t.Errorf("rollout %d/%d is %s: %q (%q), want %q (%q)", row.Group, row.Rollout, row.Fate, row.Reason, row.Detail, reason, detail)
	}
}

func TestDeadAgentEndsTheJobWithTheNamesOfItsRollouts(t *testing.T) {
	t.Parallel()
	s := smallJob{
		agent: "http://127.0.0.1:1", steps: 1, tasks: four(), timeout: "500ms",
		limits: "{shard_rollouts: 4, deadlines: {rollout: 1s}}",
	}
	head, j := s.run(t, sharedSystem(t))
	if head.End.Verdict != job.Broken || !strings.Contains(head.End.Reason, "limits.deadlines.rollout") ||
		!strings.Contains(head.End.Reason, "no answer for rollouts 0/0, 0/1, ") || !strings.Contains(head.End.Remedy, "agent") {
		t.Errorf("the job ended %+v", head.End)
	}
	wantOpenStep(t, j, job.Totals{Planned: 4 * rollouts, Dropped: 4 * rollouts})
}

func TestJobWithoutAnyRewardEndsFailedWithTheCounts(t *testing.T) {
	t.Parallel()
	tasks := four()
	for i := range tasks {
		tasks[i].Mischief = refuses
	}
	s := smallJob{agent: startAgent(t, nil).url, steps: 2, tasks: tasks, attempts: 2}
	head, j := s.run(t, sharedSystem(t))
	want := fmt.Sprintf("step 1: none of %d rollouts has a reward: %d agent error; rollout 0/0: ", 4*rollouts, 4*rollouts)
	if head.End.Verdict != job.Broken || !strings.HasPrefix(head.End.Reason, want) || !strings.Contains(head.End.Reason, "status 500") || head.End.Remedy == "" {
		t.Errorf("the job ended %+v, want the reason %q and what the agent answered", head.End, want)
	}
	wantOpenStep(t, j, job.Totals{Planned: 4 * rollouts, Failed: 4 * rollouts})
}

// wantOpenStep expects that the job's end has a ledger of the step that was
// open, which joins its plan.
func wantOpenStep(t *testing.T, j *trained.Job, want job.Totals) {
	t.Helper()
	end := j.End()
	if len(end.Ledgers) != 1 {
		t.Fatalf("the end has the ledgers %+v", end.Ledgers)
	}
	ref := end.Ledgers[0]
	rows := j.Ledger(t, ref)
	unit := job.Unit{Job: j.Def.ID, Step: ref.Step}
	plan := trained.Record[job.Plan](t, j.Store, unit.PlanKey(), job.PlanFormat)
	if err := batch.Join([]*job.Plan{plan}, rows); err != nil {
		t.Error(err)
	}
	if got := batch.Totals(rows); got != want || ref.Totals != want {
		t.Errorf("the rows are %+v, the log says %+v, want %+v", got, ref.Totals, want)
	}
}
