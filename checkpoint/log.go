package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// ErrBehind says that the log ends before an entry that is known to have been
// written: it is corrupt, and nothing may be decided by it.
var ErrBehind = errors.New("the log ends before an entry that was written")

// ReadEntry returns entry n of a job's log, verified.
func ReadEntry(ctx context.Context, b blob.Bucket, id job.ID, n int) (*job.Entry, error) {
	e, _, err := records.Read[job.Entry](ctx, b, id.LogKey(n), job.EntryFormat)
	if err != nil {
		return nil, err
	}
	if e.N != n {
		return nil, fmt.Errorf("read %s: it says that it is entry %d", id.LogKey(n), e.N)
	}
	return e, nil
}

// LastEntry returns the number of the newest entry of a job's log, -1 for an
// empty log, with one listing. known is the number of an entry that is known to
// exist (from the job's head), -1 if none is.
func LastEntry(ctx context.Context, b blob.Bucket, id job.ID, known int) (int, error) {
	after := ""
	if known > 0 {
		after = id.LogKey(known - 1)
	}
	last := -1
	for info, err := range b.List(ctx, id.LogPrefix(), after) {
		if err != nil {
			return 0, fmt.Errorf("list the log of %s: %w", id, err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(info.Key, id.LogPrefix()), ".json")
		n, err := strconv.Atoi(name)
		if err != nil || info.Key != id.LogKey(n) {
			continue
		}
		last = max(last, n)
	}
	if last < known {
		return 0, fmt.Errorf("%w: job %s, entry %d", ErrBehind, id, known)
	}
	return last, nil
}
