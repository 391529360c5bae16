package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

// An Ancestor is a checkpoint in the chain from which another one came.
type Ancestor struct {
	Job        job.ID      `json:"job"`
	Entry      int         `json:"entry"`
	Step       int         `json:"step"`
	Checkpoint blob.Digest `json:"checkpoint"`
	// Parent is the checkpoint that the step went on from; empty at step 0.
	Parent blob.Digest `json:"parent,omitempty"`
	At     time.Time   `json:"at"`
	// Batch is the digest of what was learnt from; Data that of the file whose
	// lines Tasks are, one per group. All are empty where nothing was learnt.
	Batch   blob.Digest  `json:"batch,omitempty"`
	Data    blob.Digest  `json:"data,omitempty"`
	Tasks   []int        `json:"tasks,omitempty"`
	Ledger  *job.Totals  `json:"ledger,omitempty"`
	Metrics []job.Metric `json:"metrics,omitempty"`
	// Start says where the first checkpoint of a job came from.
	Start string `json:"start,omitempty"`
	// Problem is why the chain cannot be followed, or not be told, further.
	Problem string `json:"problem,omitempty"`
}

// maxJobs bounds how many jobs a chain is followed through.
const maxJobs = 1000

// Lineage walks from the checkpoint of an entry back to where training began,
// newest first, through the jobs that were started from each other. It reads
// the log alone, and ends with a problem where that cannot be read.
func Lineage(ctx context.Context, b blob.Bucket, id job.ID, entry int) ([]Ancestor, error) {
	var chain []Ancestor
	for range maxJobs {
		def, _, err := records.Read[job.Definition](ctx, b, id.SpecKey(), job.DefinitionFormat)
		if err != nil && !readable(err) {
			return chain, err
		}
		first, err := walk(ctx, b, id, def, entry, &chain)
		if err != nil || first == nil || def == nil || def.Spec.Start == nil {
			return chain, err
		}
		found, ok, err := origin(ctx, b, def, first)
		if err != nil {
			return chain, err
		}
		last := &chain[len(chain)-1]
		if !ok {
			last.Problem = "the checkpoint that the job was started from does not lie in this store"
			return chain, nil
		}
		if def.Spec.Start.Mode == spec.ModeContinue {
			chain = chain[:len(chain)-1] // the same checkpoint, in the job that made it
		}
		id, entry = found.Job, found.Entry
	}
	return chain, fmt.Errorf("lineage: more than %d jobs were started from each other", maxJobs)
}

// readable says that an error is about an object, not about the store.
func readable(err error) bool {
	return errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) || errors.Is(err, blob.ErrTooLarge)
}

// walk adds the chain within a job, and returns its begin if it came so far.
func walk(ctx context.Context, b blob.Bucket, id job.ID, def *job.Definition, entry int, chain *[]Ancestor) (*job.Begin, error) {
	e, err := checkpoint.ReadEntry(ctx, b, id, entry)
	for {
		if err != nil {
			if !readable(err) {
				return nil, err
			}
			*chain = append(*chain, Ancestor{Job: id, Entry: entry, Problem: err.Error()})
			return nil, nil
		}
		c, ok := e.NewCheckpoint()
		if !ok {
			return nil, fmt.Errorf("lineage: entry %d of %s makes no checkpoint", entry, id)
		}
		if e.Begin == nil && e.Commit == nil { // the log went back to a checkpoint that it had
			e, err = madeBy(ctx, b, id, c.Manifest, e.N)
			continue
		}
		a := Ancestor{Job: id, Entry: e.N, Step: c.Step, Checkpoint: c.Manifest, At: e.At}
		if e.Begin != nil {
			a.Start = e.Begin.Start
			*chain = append(*chain, a)
			return e.Begin, nil
		}
		var parent *job.Entry
		entry = e.N - 1
		parent, err = checkpoint.ReadEntry(ctx, b, id, entry)
		if err == nil {
			from, _ := parent.NewCheckpoint()
			a.Parent = from.Manifest
		}
		if e.Commit != nil {
			a.learnt(def, parent, e)
		}
		*chain = append(*chain, a)
		e = parent
	}
}

// madeBy is the newest entry before n that made a checkpoint. An entry that
// cannot be read is passed over; it is the error if none is found.
func madeBy(ctx context.Context, b blob.Bucket, id job.ID, manifest blob.Digest, n int) (*job.Entry, error) {
	missing := fmt.Errorf("entry %d of %s goes back to checkpoint %s: %w", n, id, manifest, blob.ErrNotFound)
	for n--; n >= 0; n-- {
		e, err := checkpoint.ReadEntry(ctx, b, id, n)
		switch {
		case err != nil && !readable(err):
			return nil, err
		case err != nil:
			missing = err
			continue
		}
		if c, ok := e.NewCheckpoint(); ok && c.Manifest == manifest && (e.Begin != nil || e.Commit != nil) {
			return e, nil
		}
	}
	return nil, missing
}

// learnt fills in what a commit learnt from.
func (a *Ancestor) learnt(def *job.Definition, parent, e *job.Entry) {
	totals := e.Commit.Ledger.Totals
	a.Batch, a.Ledger, a.Metrics = e.Commit.Batch.Digest, &totals, e.Commit.Metrics
	if def == nil || parent == nil {
		return
	}
	plans, err := Plans(def, parent, e)
	if err != nil {
		return
	}
	for _, p := range plans {
		a.Data, a.Tasks = p.Data, append(a.Tasks, p.Tasks...)
	}
}

// origin finds the checkpoint that a job was started from, if it is still there.
func origin(ctx context.Context, b blob.Bucket, def *job.Definition, begin *job.Begin) (checkpoint.Found, bool, error) {
	found, err := StartOf(ctx, b, def, begin)
	return found, err == nil && found.Job != def.ID, ignore(err)
}

// ignore passes on what says something about the store.
func ignore(err error) error {
	if err == nil || errors.Is(err, checkpoint.ErrNoCheckpoint) || readable(err) {
		return nil
	}
	return err
}
