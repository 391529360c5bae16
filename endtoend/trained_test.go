package endtoend_test

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

// trained is a job as the store holds it, read without any process of Cohort.
type trained struct {
	store   blob.Bucket
	def     *job.Definition
	entries []*job.Entry // the whole log
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// readJob reads the definition and the log of a job.
func readJob(t *testing.T, store blob.Bucket, id job.ID) *trained {
	t.Helper()
	j := &trained{store: store, def: read[job.Definition](t, store, id.SpecKey(), job.DefinitionFormat)}
	last, err := checkpoint.LastEntry(within(t, time.Minute), store, id, -1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(within(t, time.Minute), store, id, n)
		if err != nil {
			t.Fatal(err)
		}
		j.entries = append(j.entries, e)
	}
	return j
}

// read reads a record that must be there.
func read[T any](t *testing.T, store blob.Bucket, key, format string) *T {
	t.Helper()
	record := find[T](t, store, key, format)
	if record == nil {
		t.Fatalf("%s is not there", key)
	}
	return record
}

// find reads a record, or returns nil where there is none.
func find[T any](t *testing.T, store blob.Bucket, key, format string) *T {
	t.Helper()
	record, _, err := records.Read[T](within(t, time.Minute), store, key, format)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		t.Fatal(err)
	}
	return record
}

// commits are the entries of the log that commit a step.
func (j *trained) commits() []*job.Entry {
	var all []*job.Entry
	for _, e := range j.entries {
		if e.Commit != nil {
			all = append(all, e)
		}
	}
	return all
}

// end is the end of the log; nil if it has none.
func (j *trained) end() *job.End { return j.entries[len(j.entries)-1].End }

// ledger reads the rows of a ledger.
func (j *trained) ledger(t *testing.T, ref job.LedgerRef) []batch.Row {
	t.Helper()
	var rows []batch.Row
	for _, part := range ref.Parts {
		key := j.def.ID.StepPrefix(0, ref.Step) + string(part.Digest)
		body, err := blob.GetContent(within(t, time.Minute), j.store, key, part.Digest)
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

// units are the rounds of a committed step, each with the collection that the
// commit rests on.
func (j *trained) units(t *testing.T, e *job.Entry) []*collected {
	t.Helper()
	var all []*collected
	for _, r := range e.Commit.Rounds {
		u := job.Unit{Job: j.def.ID, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: r.Round}
		all = append(all, j.collected(t, u, r.Collection))
	}
	return all
}

// evaluations are the units of the evaluations that the job made.
func (j *trained) evaluations(t *testing.T) []*collected {
	t.Helper()
	var all []*collected
	for _, e := range j.end().Evaluations {
		all = append(all, j.collected(t, job.Unit{Job: j.def.ID, Step: e.Step, Eval: e.Manifest}, 0))
	}
	return all
}

// collected is a unit with everything that its collection left.
type collected struct {
	plan     *job.Plan
	ranges   *job.Ranges
	rollouts []*job.RolloutRecord
	extracts []*job.ExtractRecord
	collects []*job.CollectRecord
}

func (j *trained) collected(t *testing.T, u job.Unit, e int) *collected {
	t.Helper()
	c := &collected{
		plan:   read[job.Plan](t, j.store, u.PlanKey(), job.PlanFormat),
		ranges: read[job.Ranges](t, j.store, u.RangesKey(e), job.RangesFormat),
	}
	for i := range c.plan.Shards(job.Rollout) {
		s := job.Shard{Unit: u, Collection: e, Phase: job.Rollout, Index: i}
		c.rollouts = append(c.rollouts, read[job.RolloutRecord](t, j.store, s.SettledKey(), job.RolloutFormat))
	}
	for _, phase := range c.plan.CollectPhases() {
		for i := range c.plan.Shards(phase) {
			s := job.Shard{Unit: u, Collection: e, Phase: phase, Index: i}
			if phase == job.Extract {
				c.extracts = append(c.extracts, read[job.ExtractRecord](t, j.store, s.SettledKey(), job.ExtractFormat))
				continue
			}
			c.collects = append(c.collects, read[job.CollectRecord](t, j.store, s.SettledKey(), job.CollectFormat))
		}
	}
	return c
}

// outcomes are what collection says of the planned rollouts, in their order.
func (c *collected) outcomes() []job.Outcome {
	return job.Round{Plan: c.plan, Collects: c.collects}.Outcomes()
}

// settlements say who settled each shard.
func (c *collected) settlements() []job.Settlement {
	var all []job.Settlement
	for _, r := range c.rollouts {
		all = append(all, r.Done)
	}
	for _, r := range c.extracts {
		all = append(all, r.Done)
	}
	for _, r := range c.collects {
		all = append(all, r.Done)
	}
	return all
}
