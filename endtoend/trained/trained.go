// Package trained reads a job as the store holds it, without any process of
// Cohort: what tests look at once a job has ended.
package trained

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Job is a job as the store holds it, read without any process of Cohort.
type Job struct {
	Store   blob.Bucket
	Def     *job.Definition
	Entries []*job.Entry // the whole log
}

// Within is a context that ends after d, or with the test.
func Within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Read reads the definition and the log of a job.
func Read(t *testing.T, store blob.Bucket, id job.ID) *Job {
	t.Helper()
	j := &Job{Store: store, Def: Record[job.Definition](t, store, id.SpecKey(), job.DefinitionFormat)}
	last, err := checkpoint.LastEntry(Within(t, time.Minute), store, id, -1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(Within(t, time.Minute), store, id, n)
		if err != nil {
			t.Fatal(err)
		}
		j.Entries = append(j.Entries, e)
	}
	return j
}

// Record reads a record that must be there.
func Record[T any](t *testing.T, store blob.Bucket, key, format string) *T {
	t.Helper()
	record := Find[T](t, store, key, format)
	if record == nil {
		t.Fatalf("%s is not there", key)
	}
	return record
}

// Find reads a record, or returns nil where there is none.
func Find[T any](t *testing.T, store blob.Bucket, key, format string) *T {
	t.Helper()
	record, _, err := records.Read[T](Within(t, time.Minute), store, key, format)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		t.Fatal(err)
	}
	return record
}

// Commits are the entries of the log that commit a step.
func (j *Job) Commits() []*job.Entry {
	var all []*job.Entry
	for _, e := range j.Entries {
		if e.Commit != nil {
			all = append(all, e)
		}
	}
	return all
}

// End is the end of the log; nil if it has none.
func (j *Job) End() *job.End { return j.Entries[len(j.Entries)-1].End }

// Ledger reads the rows of a ledger.
func (j *Job) Ledger(t *testing.T, ref job.LedgerRef) []batch.Row {
	t.Helper()
	var rows []batch.Row
	for _, part := range ref.Parts {
		key := j.Def.ID.StepPrefix(0, ref.Step) + string(part.Digest)
		body, err := blob.GetContent(Within(t, time.Minute), j.Store, key, part.Digest)
		if err != nil {
			t.Fatal(err)
		}
		read, err := batch.ReadLedger(body)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, read...)
	}
	return rows
}

// Units are the rounds of a committed step, each with the collection that the
// commit rests on.
func (j *Job) Units(t *testing.T, e *job.Entry) []*Unit {
	t.Helper()
	var all []*Unit
	for _, r := range e.Commit.Rounds {
		u := job.Unit{Job: j.Def.ID, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: r.Round}
		all = append(all, j.Collected(t, u, r.Collection))
	}
	return all
}

// Evaluations are the units of the evaluations that the job made.
func (j *Job) Evaluations(t *testing.T) []*Unit {
	t.Helper()
	var all []*Unit
	for _, e := range j.End().Evaluations {
		all = append(all, j.Collected(t, job.Unit{Job: j.Def.ID, Step: e.Step, Eval: e.Manifest}, 0))
	}
	return all
}

// Unit is a unit with everything that its collection left.
type Unit struct {
	Plan     *job.Plan
	Ranges   *job.Ranges
	Rollouts []*job.RolloutRecord
	Extracts []*job.ExtractRecord
	Collects []*job.CollectRecord
}

// Collected reads a unit with all that collection e of it left.
func (j *Job) Collected(t *testing.T, u job.Unit, e int) *Unit {
	t.Helper()
	c := &Unit{
		Plan:   Record[job.Plan](t, j.Store, u.PlanKey(), job.PlanFormat),
		Ranges: Record[job.Ranges](t, j.Store, u.RangesKey(e), job.RangesFormat),
	}
	for i := range c.Plan.Shards(job.Rollout) {
		s := job.Shard{Unit: u, Collection: e, Phase: job.Rollout, Index: i}
		c.Rollouts = append(c.Rollouts, Record[job.RolloutRecord](t, j.Store, s.SettledKey(), job.RolloutFormat))
	}
	for _, phase := range c.Plan.CollectPhases() {
		for i := range c.Plan.Shards(phase) {
			s := job.Shard{Unit: u, Collection: e, Phase: phase, Index: i}
			if phase == job.Extract {
				c.Extracts = append(c.Extracts, Record[job.ExtractRecord](t, j.Store, s.SettledKey(), job.ExtractFormat))
				continue
			}
			c.Collects = append(c.Collects, Record[job.CollectRecord](t, j.Store, s.SettledKey(), job.CollectFormat))
		}
	}
	return c
}

// Outcomes are what collection says of the planned rollouts, in their order.
func (c *Unit) Outcomes() []job.Outcome {
	return job.Round{Plan: c.Plan, Collects: c.Collects}.Outcomes()
}

// Settlements say who settled each shard.
func (c *Unit) Settlements() []job.Settlement {
	var all []job.Settlement
	for _, r := range c.Rollouts {
		all = append(all, r.Done)
	}
	for _, r := range c.Extracts {
		all = append(all, r.Done)
	}
	for _, r := range c.Collects {
		all = append(all, r.Done)
	}
	return all
}
