package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/submission"
)

// result is what a job came to.
type result struct {
	verdict    job.Verdict
	reason     string
	checkpoint blob.Digest
	totals     job.Totals
}

func (r result) String() string {
	return fmt.Sprintf("%s %s, checkpoint %s, %+v", r.verdict, r.reason, r.checkpoint, r.totals)
}

// jobs are those that run under faults, and what must come out.
type jobs struct {
	store blob.Bucket // reached past the proxies: it is the judge's
	agent string
	want  []result // by variation

	mu   sync.Mutex // guards done
	done []ended
}

// ended is a job that came to its end.
type ended struct {
	id        job.ID
	variation int
	result    result
	longest   time.Duration // between two entries of its log
	removed   int64         // duplicate events
	wrong     string        // empty if it is as it must be
}

// variations are the jobs: as in the example, with gradients in shards, and
// with many small shards.
func variations() []func(*spec.Spec) {
	return []func(*spec.Spec){
		func(*spec.Spec) {},
		func(s *spec.Spec) { s.Seed, s.Limits.GradientGroups = 2, 4 },
		func(s *spec.Spec) { s.Seed, s.Limits.ShardRollouts = 3, 8 },
	}
}

func newJobs(ctx context.Context, s *services, c *cast) (*jobs, error) {
	store, err := open.Open(ctx, s.direct, open.Options{Credentials: s3.Credentials{
		AccessKey: s.values["AWS_ACCESS_KEY_ID"], SecretKey: secret.Text(s.values["AWS_SECRET_ACCESS_KEY"]),
	}})
	return &jobs{store: store, agent: c.agentURL}, err
}

// references runs each variation once in peace.
func (j *jobs) references(ctx context.Context) error {
	for v := range variations() {
		e, err := j.one(ctx, v, patience)
		if err != nil {
			return err
		}
		j.want = append(j.want, e.result)
		fmt.Printf("  %-22s %s  %d of %d rollouts used\n", e.id, e.result.checkpoint[:12], e.result.totals.Used, e.result.totals.Planned)
	}
	return nil
}

// runUntil runs one job after another until enough was disturbed.
func (j *jobs) runUntil(ctx context.Context, lane int, enough <-chan struct{}) error {
	for n := lane; ; n++ {
		v := n % len(j.want)
		e, err := j.one(ctx, v, 15*time.Minute)
		if err != nil {
			return err
		}
		if want := j.want[v]; e.result != want {
			e.wrong = fmt.Sprintf("ended %s; undisturbed %s", e.result, want)
		}
		j.mu.Lock()
		j.done = append(j.done, e)
		j.mu.Unlock()
		select {
		case <-enough:
			return nil
		default:
		}
	}
}

// one submits a job and waits for its end.
func (j *jobs) one(ctx context.Context, variation int, within time.Duration) (ended, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("a job took longer than %s: it hangs", within))
	defer cancel()
	e := ended{variation: variation, id: job.ID(fmt.Sprintf("chaos-%d-%s", variation, uuid.NewString()[:8]))}
	if err := j.submit(ctx, e.id, variation); err != nil {
		return e, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := j.store.Head(ctx, e.id.ActiveKey()); errors.Is(err, blob.ErrNotFound) {
			return e, j.judge(ctx, &e)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return e, fmt.Errorf("job %s: %w", e.id, context.Cause(ctx))
		}
	}
}

func (j *jobs) submit(ctx context.Context, id job.ID, variation int) error {
	s, err := spec.Decode("job.yaml", countdown.Job())
	if err != nil {
		return err
	}
	s.Steps = 6
	s.Agent.URL, s.Agent.Health = j.agent+"/rollouts", j.agent+"/healthz"
	variations()[variation](s)
	few := bytes.Join(bytes.SplitAfterN(countdown.HeldOut(), []byte("\n"), 21)[:20], nil)
	for {
		_, _, err = submission.Submit(ctx, j.store, submission.Request{
			Spec: s, ID: id, At: time.Now(), Files: map[string][]byte{spec.RoleTasks: countdown.Train(), spec.RoleEval: few},
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		select { // any retry completes it
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// judge reads how a job came out, once the store answers.
func (j *jobs) judge(ctx context.Context, e *ended) error {
	for {
		err := j.read(ctx, e)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (j *jobs) read(ctx context.Context, e *ended) error {
	last, err := checkpoint.LastEntry(ctx, j.store, e.id, -1)
	if err != nil {
		return err
	}
	e.longest, e.removed, e.result = 0, 0, result{}
	var before time.Time
	for n := range last + 1 {
		entry, err := checkpoint.ReadEntry(ctx, j.store, e.id, n)
		if err != nil {
			return err
		}
		if n > 0 {
			e.longest = max(e.longest, entry.At.Sub(before))
		}
		before = entry.At
		if entry.Commit != nil {
			e.result.checkpoint, e.result.totals = entry.Commit.Checkpoint.Manifest, entry.Commit.Totals
		}
		if entry.End != nil {
			e.result.verdict, e.result.reason = entry.End.Verdict, entry.End.Reason
		}
	}
	return j.countRemoved(ctx, e)
}

// countRemoved adds up the events that were in the log more often than once, or
// of executions that do not count.
func (j *jobs) countRemoved(ctx context.Context, e *ended) error {
	for info, err := range j.store.List(ctx, e.id.Prefix(), "") {
		if err != nil {
			return err
		}
		if !strings.Contains(info.Key, "/settled/") {
			continue
		}
		object, err := j.store.Get(ctx, info.Key)
		if err != nil {
			return err
		}
		var record struct {
			Counts job.Counts `json:"counts"`
		}
		if err := json.Unmarshal(object.Body, &record); err != nil {
			return fmt.Errorf("%s: %w", info.Key, err)
		}
		e.removed += record.Counts.Duplicates + record.Counts.Superseded
	}
	return nil
}
