package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// leftovers are the blobs that workers were told of and stored while a step was
// updated in shards: weights between mini-batches, and partial sums. Nothing
// reads them once the step is committed, and whoever is late computes them
// again. They are those that records name; what a record named that cannot be
// read stays, until orphans are swept.
func leftovers(ctx context.Context, b blob.Bucket, owner job.ID, e *job.Entry) ([]job.Place, error) {
	if e.Commit == nil {
		return nil, nil
	}
	folder := job.Folder{Generation: e.Generation, Step: e.Commit.Checkpoint.Step}
	prefix := job.Unit{Job: owner, Generation: folder.Generation, Step: folder.Step}.UpdatesPrefix()
	var left []job.Place
	for info, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		var refs []blob.Ref
		terms, _, err := records.Read[job.GradientTerms](ctx, b, info.Key, job.TermsFormat)
		switch {
		case err == nil:
			refs = terms.Weights
		case !unreadable(err):
			return nil, err
		}
		settled := strings.Replace(info.Key, "/updates/", "/settled/", 1)
		r, _, err := records.Read[job.GradientRecord](ctx, b, settled, job.GradientFormat)
		switch {
		case err == nil:
			refs = slices.Concat(refs, r.Sum)
		case !unreadable(err):
			return nil, err
		}
		for _, ref := range refs {
			left = append(left, job.Place{Digest: ref.Digest, Size: ref.Size, Folder: folder})
		}
	}
	return left, nil
}

func unreadable(err error) bool {
	return errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt)
}
