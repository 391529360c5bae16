package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

// smallJob is a job of seconds: each step attempts every task.
type smallJob struct {
	agent    string // base URL
	steps    int
	tasks    []task
	timeout  string // of an attempt
	attempts int
	limits   string // YAML, in braces
	policy   string // likewise; linear if empty
	grpo     string // likewise
}

// four are tasks that a policy soon learns to solve.
func four() []task { return []task{{Best: 0}, {Best: 1}, {Best: 2}, {Best: 3}} }

// rollouts are those of a group.
const rollouts = 8

func (s smallJob) submission(t *testing.T) api.Submission {
	t.Helper()
	if s.timeout == "" {
		s.timeout = "20s"
	}
	if s.limits == "" {
		s.limits = "{shard_rollouts: 4, deadlines: {rollout: 120s}}"
	}
	if s.policy == "" {
		s.policy = fmt.Sprintf("{kind: linear, features: %d}", width)
	}
	if s.grpo == "" {
		s.grpo = "{}"
	}
	var lines strings.Builder
	for _, line := range s.tasks {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(text, '\n'))
	}
	text := fmt.Sprintf(`
name: small
seed: 3
steps: %d
policy: %s
grpo: %s
agent: {url: "%s/rollouts", timeout: %s, attempts: %d}
tasks: {data: tasks.jsonl, groups: %d, rollouts: %d}
traces: {partitions: 2}
optimizer: {kind: adam, learning_rate: 0.2}
limits: %s
`, s.steps, s.policy, s.grpo, s.agent, s.timeout, max(1, s.attempts), len(s.tasks), rollouts, s.limits)
	return api.Submission{File: "job.yaml", Spec: []byte(text), Data: map[string][]byte{spec.RoleTasks: []byte(lines.String())}}
}

func (s smallJob) submit(t *testing.T, to system) job.ID {
	t.Helper()
	j, _, err := to.api.Submit(trained.Within(t, time.Minute), s.submission(t))
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}

// run submits the job and waits for its end.
func (s smallJob) run(t *testing.T, to system) (*job.Head, *trained.Job) {
	t.Helper()
	id := s.submit(t, to)
	return awaitEnd(t, to.store, id), trained.Read(t, to.store, id)
}

// undisturbed is the checkpoint at which the job ends when nothing happens to it.
func (s smallJob) undisturbed(t *testing.T) blob.Digest {
	t.Helper()
	s.agent = startAgent(t, nil).url
	head, _ := s.run(t, sharedSystem(t))
	wantDone(t, head)
	return head.Checkpoint
}

func wantDone(t *testing.T, head *job.Head) {
	t.Helper()
	if head.End.Verdict != job.Done {
		t.Fatalf("the job ended %s: %s", head.End.Verdict, head.End.Reason)
	}
}

// awaitEnd waits until the store says that the job has ended.
func awaitEnd(t *testing.T, store blob.Bucket, id job.ID) *job.Head {
	t.Helper()
	var head *job.Head
	await(t, 2*time.Minute, func(ctx context.Context) (done bool, state string) {
		var err error
		head, err = submission.Look(ctx, store, id)
		return err == nil && head != nil && head.End != nil, fmt.Sprintf("job %s has not ended: %+v, %v", id, head, err)
	})
	return head
}

// await asks until it is so; if that takes too long the test fails with the
// last state.
func await(t *testing.T, d time.Duration, ask func(context.Context) (done bool, state string)) {
	t.Helper()
	ctx := trained.Within(t, d)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, state := ask(ctx)
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(state)
		}
	}
}
