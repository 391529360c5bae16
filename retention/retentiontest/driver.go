// Package retentiontest tries retention out: drivers that commit, share tensors
// that do not change, go back, pin and prune, each by what it has read of the
// log, and a watch that loads every checkpoint that is to be kept. They are the
// writes of a job without its rollouts.
package retentiontest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

// A Driver drives a job. It is for one goroutine.
type Driver struct {
	Bucket  blob.Bucket
	Job     job.ID
	Keep    int                                    // as of retention.Policy
	Entries int                                    // at which the log is long enough
	IntN    func(n int) int                        // luck: a number from 0 up to n
	Pinned  func(ctx context.Context, c job.Entry) // is told of what it has pinned; may be nil

	line []*job.Entry
	done map[blob.Digest]bool
	pins int
}

// chunkBytes cuts a tensor of three elements into no pieces.
const chunkBytes = 64

// noon is the time of all records: nothing depends on it.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// Turn reads the log, appends an entry to it and prunes. More is false when the
// log is long enough. An error is one of the store, or of a log that cannot be.
func (d *Driver) Turn(ctx context.Context) (more bool, err error) {
	known := -1
	if len(d.line) > 0 {
		known = d.line[len(d.line)-1].N
	}
	n, err := checkpoint.LastEntry(ctx, d.Bucket, d.Job, known)
	if err != nil || n >= d.Entries {
		return false, err
	}
	if n != known {
		if err := d.read(ctx, n); err != nil {
			return false, err
		}
	}
	mine, err := d.next(ctx, n+1)
	if repair.Damage(err) {
		return true, nil // what it is about is gone already
	}
	if err != nil {
		return false, err
	}
	e, _, err := records.Adopt(ctx, d.Bucket, d.Job.LogKey(n+1), job.EntryFormat, mine)
	if err != nil {
		return false, err
	}
	if e.Kind == job.KindRewind {
		if err := d.read(ctx, n+1); err != nil {
			return false, err
		}
	} else {
		d.line = append(d.line, e)
	}
	return true, d.prune(ctx)
}

func (d *Driver) read(ctx context.Context, n int) error {
	line, err := repair.ReadLine(ctx, d.Bucket, d.Job, n)
	d.line = line.Entries
	return errors.Join(err, line.Cut)
}

// next is the entry that this driver would have as the n-th.
func (d *Driver) next(ctx context.Context, n int) (*job.Entry, error) {
	mine := &job.Entry{Format: job.EntryFormat, N: n}
	var err error
	switch {
	case n == 0:
		mine.Kind = job.KindBegin
		mine.Begin = &job.Begin{}
		mine.Begin.Checkpoint, err = d.save(ctx, job.Folder{}, "", nil)
	case d.IntN(100) < 8 && len(d.line) > 3:
		mine.Kind = job.KindRewind
		mine.Generation = d.line[len(d.line)-1].Generation + 1
		mine.Rewind, err = d.rewind(ctx, mine.Generation)
	default:
		last := d.line[len(d.line)-1]
		c, _ := last.NewCheckpoint()
		mine.Kind, mine.Generation = job.KindCommit, last.Generation
		mine.Commit = &job.Commit{}
		mine.Commit.Checkpoint, err = d.save(ctx, job.Folder{Generation: last.Generation, Step: c.Step + 1}, c.Manifest, c.Places)
	}
	return mine, err
}

// prune pins now and then, and prunes as a coordinator does after a commit.
func (d *Driver) prune(ctx context.Context) error {
	if d.done == nil {
		d.done = map[blob.Digest]bool{}
	}
	if d.IntN(40) == 0 && d.pins < 1 {
		last := d.line[len(d.line)-1]
		c, _ := last.NewCheckpoint()
		switch err := retention.Pin(ctx, d.Bucket, d.Job, c.Manifest, noon()); {
		case err == nil:
			if d.pins++; d.Pinned != nil {
				d.Pinned(ctx, *last)
			}
		case !errors.Is(err, retention.ErrPruned):
			return err
		}
	}
	pinned, err := retention.Pinned(ctx, d.Bucket, d.Job)
	if err != nil {
		return err
	}
	_, err = retention.Prune(ctx, d.Bucket, d.Job, d.line, retention.Policy{Keep: d.Keep, Pinned: pinned}, d.done, noon())
	return err
}

// save stores a checkpoint of which some tensors are those of its parent. What
// it holds is a function of its step and parent.
func (d *Driver) save(ctx context.Context, folder job.Folder, parent blob.Digest, places []job.Place) (job.Checkpoint, error) {
	state := &checkpoint.State{}
	for k := range 4 {
		v := make([]float32, 3)
		v[0], v[1] = float32(k), float32(folder.Step>>k) // tensor k changes every 2^k steps
		state.Weights = append(state.Weights, checkpoint.Array{Name: fmt.Sprintf("w%d", k), Shape: []int{3}, F32: v})
	}
	m := &checkpoint.Manifest{
		Training: blob.DigestOf(nil), Numerics: "n", Step: folder.Step, Parent: parent,
		Shape: policy.Shape{Kind: policy.Linear, Features: 12}, Optimizer: checkpoint.Optimizer{Kind: "sgd"},
	}
	return checkpoint.Save(ctx, d.Bucket, d.Job, folder, m, state, chunkBytes, places)
}

// rewind copies one of the newest checkpoints, and the one before it.
func (d *Driver) rewind(ctx context.Context, generation int) (*job.Rewind, error) {
	at := len(d.line) - 1 - d.IntN(3)
	r := &job.Rewind{To: d.line[at].N, Reason: "tried"}
	var err error
	if r.Checkpoint, err = d.copy(ctx, d.line[at], generation); err != nil {
		return nil, err
	}
	c, err := d.copy(ctx, d.line[at-1], generation)
	if err == nil && c.Step < r.Checkpoint.Step {
		r.Earlier = append(r.Earlier, c)
	}
	if repair.Damage(err) {
		err = nil // it need not be there
	}
	return r, err
}

func (d *Driver) copy(ctx context.Context, e *job.Entry, generation int) (job.Checkpoint, error) {
	c, _ := e.NewCheckpoint()
	m, state, err := checkpoint.Load(ctx, d.Bucket, d.Job, c)
	if err != nil {
		return c, err
	}
	return checkpoint.Save(ctx, d.Bucket, d.Job, job.Folder{Generation: generation, Step: c.Step}, m, state, chunkBytes, nil)
}
