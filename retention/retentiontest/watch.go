package retentiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

// newest is how many of the newest checkpoints must be whole whatever a policy
// says. It is not taken from what is tried.
const newest = 2

// Needed are the checkpoints of a line that nothing may take away: the newest
// two and, after a rewind, those that it could copy.
func Needed(line []*job.Entry) []job.Checkpoint {
	var all []job.Checkpoint
	for _, e := range slices.Backward(line) {
		c, _ := e.NewCheckpoint()
		all = append(all, c)
		if len(all) == newest {
			return all
		}
		if e.Rewind != nil {
			return append(all, e.Rewind.Earlier...) // the copies, not what they are copies of
		}
	}
	return all
}

// pinned are the checkpoints of a line that are pinned and that nobody ever
// meant to prune.
func pinned(ctx context.Context, b blob.Bucket, id job.ID, line []*job.Entry) ([]job.Checkpoint, error) {
	pins, err := retention.Pinned(ctx, b, id)
	if err != nil {
		return nil, err
	}
	marks, err := retention.Pruned(ctx, b, id)
	if err != nil {
		return nil, err
	}
	var all []job.Checkpoint
	for _, e := range line {
		if c, _ := e.NewCheckpoint(); pins[c.Manifest] && !marks[c.Manifest] {
			all = append(all, c)
		}
	}
	return all, nil
}

// kept are the checkpoints of a job that must be whole now, and the last entry
// of its log.
func kept(ctx context.Context, b blob.Bucket, id job.ID) ([]job.Checkpoint, int, error) {
	last, err := checkpoint.LastEntry(ctx, b, id, -1)
	if err != nil || last < 0 {
		return nil, last, err
	}
	line, err := repair.ReadLine(ctx, b, id, last)
	if err = errors.Join(err, line.Cut); err != nil {
		return nil, last, err
	}
	pins, err := pinned(ctx, b, id, line.Entries)
	return append(Needed(line.Entries), pins...), last, err
}

// Look loads every checkpoint of a job that is kept. One that misses anything is
// an error, unless the log has gone on and keeps it no more: whoever read that
// may have pruned it meanwhile. It returns the log's last entry, and how many
// checkpoints it has loaded.
func Look(ctx context.Context, b blob.Bucket, id job.ID) (last, loaded int, err error) {
	all, last, err := kept(ctx, b, id)
	if err != nil {
		return last, 0, err
	}
	for _, c := range all {
		_, _, broken := checkpoint.Load(ctx, b, id, c)
		if broken == nil {
			loaded++
			continue
		}
		if !repair.Damage(broken) {
			return last, loaded, broken
		}
		now, later, err := kept(ctx, b, id)
		if err != nil {
			return last, loaded, err
		}
		if slices.ContainsFunc(now, func(o job.Checkpoint) bool { return o.Manifest == c.Manifest && o.Folder == c.Folder }) {
			return last, loaded, fmt.Errorf("job %s: checkpoint %s of step %d is kept after entry %d, and still after entry %d: %w", id, c.Manifest, c.Step, last, later, broken)
		}
	}
	return last, loaded, nil
}
