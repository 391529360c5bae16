package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// ErrNoCheckpoint says that no committed checkpoint has the id.
var ErrNoCheckpoint = errors.New("no such checkpoint")

// Found is a committed checkpoint and the job whose it is.
type Found struct {
	Job        job.ID
	Entry      int
	Checkpoint job.Checkpoint
}

// Find looks a checkpoint up by its id, or by the first digits of it, among the
// commits of one job, or of all jobs if id is empty. It lists the names of
// blobs and then reads the log of the job that has one of that name. A prefix
// that fits several checkpoints is an error that names them.
func Find(ctx context.Context, b blob.Bucket, digits string, id job.ID) (Found, error) {
	prefix := job.JobsPrefix
	if id != "" {
		prefix = id.Prefix()
	}
	var found Found
	for info, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return Found{}, fmt.Errorf("look for checkpoint %s: %w", digits, err)
		}
		owner, step, name, ok := splitBlobKey(info.Key)
		if !ok || !strings.HasPrefix(name, digits) || name == string(found.Checkpoint.Manifest) {
			continue
		}
		f, ok, err := committed(ctx, b, owner, step, blob.Digest(name))
		if err != nil {
			return Found{}, fmt.Errorf("look for checkpoint %s: %w", digits, err)
		}
		if ok && found.Job != "" {
			return Found{}, fmt.Errorf("checkpoint %s: %w: both %s and %s begin so; give more digits", digits, ErrNoCheckpoint, found.Checkpoint.Manifest, name)
		}
		if ok {
			found = f
		}
	}
	if found.Job == "" {
		return Found{}, fmt.Errorf("checkpoint %s: %w", digits, ErrNoCheckpoint)
	}
	return found, nil
}

// splitBlobKey takes jobs/<job>/g<g>/steps/<step>/<name> apart.
func splitBlobKey(key string) (owner job.ID, step int, name string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 6 || parts[3] != "steps" {
		return "", 0, "", false
	}
	owner, err := job.ParseID(parts[1])
	if err != nil {
		return "", 0, "", false
	}
	step, err = strconv.Atoi(parts[4])
	return owner, step, parts[5], err == nil
}

// committed returns the commit of a manifest in a job's log. Without rewinds
// the entry of a step is known; else the log is searched. An entry that cannot
// be read hides no other; it is the error if none has the manifest.
func committed(ctx context.Context, b blob.Bucket, id job.ID, step int, manifest blob.Digest) (Found, bool, error) {
	last, err := LastEntry(ctx, b, id, -1)
	if err != nil || last < 0 {
		return Found{}, false, err
	}
	order := make([]int, 0, last+2)
	likely := -1
	rewound := false
	if newest, err := ReadEntry(ctx, b, id, last); err == nil {
		rewound = newest.Generation > 0
	} else if !ofObject(err) {
		return Found{}, false, err
	}
	first, unread := ReadEntry(ctx, b, id, 0)
	switch {
	case unread != nil && !ofObject(unread):
		return Found{}, false, unread
	case unread == nil && first.Begin == nil:
		return Found{}, false, nil
	case unread == nil:
		if n := step - first.Begin.Checkpoint.Step; n >= 0 && n <= last && !rewound {
			likely = n
			order = append(order, n)
		}
	}
	for n := last; n >= 0; n-- { // the newest place of a checkpoint that has several
		order = append(order, n)
	}
	for _, n := range order {
		e, err := ReadEntry(ctx, b, id, n)
		if err != nil {
			if !ofObject(err) {
				return Found{}, false, err
			}
			unread = err
			continue
		}
		if c, ok := e.NewCheckpoint(); ok && c.Manifest == manifest {
			return Found{Job: id, Entry: n, Checkpoint: c}, true, nil
		}
		if c, ok := e.NewCheckpoint(); ok && c.Step == step && n == likely {
			return Found{}, false, nil // the step's commit names another manifest: this is some other blob
		}
	}
	return Found{}, false, unread
}

// ofObject says that an error is about an object, not about the store.
func ofObject(err error) bool {
	return errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) || errors.Is(err, blob.ErrTooLarge)
}
