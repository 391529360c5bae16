// Package repair computes again what a job's store has lost: checkpoints by
// replaying steps from the nearest one that is whole, and the records that are
// pure functions of others. What it puts back are the very bytes that were
// there, for everything is named by its hash; what it finds in their place is
// kept in quarantine. It decides nothing: a job goes back to an earlier
// checkpoint only by an entry of its log.
package repair

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/retention"
)

// A Finding is an object that was corrupt or missing, and what was done.
type Finding struct {
	Key string `json:"key"`
	// Quarantined is the key of the copy of what was found, empty if nothing was.
	Quarantined string `json:"quarantined,omitempty"`
	// Done says what was done, or why nothing could be.
	Done string `json:"done"`
}

// String is the finding in a sentence.
func (f Finding) String() string {
	found := "was missing"
	if f.Quarantined != "" {
		found = "was corrupt (kept as " + f.Quarantined + ")"
	}
	return fmt.Sprintf("%s %s: %s", f.Key, found, f.Done)
}

// Job is a job to be repaired. Its methods are not safe for concurrent use, but
// any number of processes may repair the same job.
type Job struct {
	Store blob.Bucket
	Def   *job.Definition
	// TopicPrefix begins the names of the deployment's topics; empty if that is
	// not known.
	TopicPrefix string
	// Known returns the learner of a checkpoint that is in memory, or nil. It may
	// be nil.
	Known func(manifest blob.Digest) *learner.Learner
	// Tell is told of each object that was put back.
	Tell func(Finding)

	pruned map[blob.Digest]bool // whose blobs are not there on purpose
}

// Damage says whether an error means that an object is corrupt or missing, or
// does not follow from what it should follow from; any
// other is a look-up that failed, and nothing follows from it.
func Damage(err error) bool {
	for _, kind := range []error{blob.ErrCorrupt, blob.ErrNotFound, blob.ErrTooLarge, checkpoint.ErrInvalid, learner.ErrMismatch, batch.ErrCorrupt, replay.ErrDiffers, checkpoint.ErrDiffers, errUnknown} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Newest makes the newest checkpoint of a line whole: it takes the newest that
// can be read as a whole, or else the first of all if it can be made again,
// replays the steps after it and puts back what is not there. It returns the
// place in the line of the newest checkpoint that is whole now, -1 if none is,
// and its learner; cause says why those after it are not, empty if there are
// none. An error says that the store could not be asked.
func (j *Job) Newest(ctx context.Context, line []*job.Entry) (at int, l *learner.Learner, cause string, err error) {
	at = -1
	for i := len(line) - 1; i >= 0 && at < 0; i-- {
		if j.isPruned(line[i]) && i < len(line)-1 {
			continue
		}
		found, err := j.read(ctx, line, i)
		switch {
		case err == nil:
			at, l = i, found
		case !Damage(err):
			return -1, nil, "", err
		case cause == "":
			cause = err.Error()
			if j.pruned, err = retention.Pruned(ctx, j.Store, j.Def.ID); err != nil {
				return -1, nil, "", err
			}
		}
	}
	if at < 0 {
		if l, err = j.first(ctx, line); err != nil {
			if Damage(err) {
				return -1, nil, fmt.Sprintf("%s; %s", cause, err), nil
			}
			return -1, nil, "", err
		}
		at = 0
	}
	for at+1 < len(line) {
		next, err := j.replay(ctx, l, line, at+1)
		switch {
		case err == nil:
			at, l = at+1, next
		case Damage(err):
			return at, l, fmt.Sprintf("%s, and cannot be computed again: %s", cause, err), nil
		default:
			return -1, nil, "", err
		}
	}
	return at, l, "", nil
}

// Again makes the last checkpoint of a line again, which may have been pruned,
// and describes it. An error that is Damage says that it cannot be computed.
func (j *Job) Again(ctx context.Context, line []*job.Entry) (*checkpoint.Manifest, *learner.Learner, error) {
	at, l, cause, err := j.Newest(ctx, line)
	if err != nil {
		return nil, nil, err
	}
	parent, trained, ok := origin(line, at)
	if at != len(line)-1 || !ok {
		return nil, nil, fmt.Errorf("%s: %w", cause, errUnknown)
	}
	c, _ := line[at].NewCheckpoint()
	return replay.Manifest(j.Def, l, c.Step, parent, trained), l, nil
}

// errUnknown says that a checkpoint cannot be computed from what the store has.
var errUnknown = errors.New("it cannot be computed")

// read loads the checkpoint of an entry, every byte of it verified. One that is
// in memory is put back where it is not whole.
func (j *Job) read(ctx context.Context, line []*job.Entry, i int) (*learner.Learner, error) {
	c, _ := line[i].NewCheckpoint()
	l, err := replay.Load(ctx, j.Store, j.Def, c)
	if err == nil || j.Known == nil || !Damage(err) {
		return l, err
	}
	if l = j.Known(c.Manifest); l == nil {
		return nil, err
	}
	return l, j.remember(ctx, l, line, i, "put back from memory")
}

// origin is the parent and the batch that the manifest of an entry names, as
// far as the line tells.
func origin(line []*job.Entry, i int) (parent, trained blob.Digest, ok bool) {
	for ; i > 0; i-- {
		if c := line[i].Commit; c != nil {
			before, _ := line[i-1].NewCheckpoint()
			return before.Manifest, c.Batch.Digest, true
		}
	}
	return "", "", i == 0 && line[i].Begin != nil && line[i].Begin.Start == ""
}

// remember puts a checkpoint that is in memory back where it is not whole.
func (j *Job) remember(ctx context.Context, l *learner.Learner, line []*job.Entry, i int, done string) error {
	parent, trained, ok := origin(line, i)
	if !ok {
		return fmt.Errorf("its parent is not known: %w", errUnknown)
	}
	c, _ := line[i].NewCheckpoint()
	image, err := checkpoint.NewImage(replay.Manifest(j.Def, l, c.Step, parent, trained), l.State(), int(j.Def.Spec.Checkpoint.ChunkBytes))
	if err != nil {
		return err
	}
	return j.restore(ctx, c, image, done)
}

func (j *Job) isPruned(e *job.Entry) bool {
	c, _ := e.NewCheckpoint()
	return j.pruned[c.Manifest]
}

// restore puts back what is not whole of a checkpoint that was computed again,
// unless it was pruned.
func (j *Job) restore(ctx context.Context, c job.Checkpoint, image *checkpoint.Image, done string) error {
	if j.pruned[c.Manifest] && image.ID == c.Manifest {
		return nil
	}
	restored, err := checkpoint.Restore(ctx, j.Store, j.Def.ID, c, image)
	for _, r := range restored {
		j.Tell(Finding{Key: r.Key, Quarantined: r.Quarantined, Done: done})
	}
	return err
}
