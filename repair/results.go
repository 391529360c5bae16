package repair

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Result is the result of an evaluation of a checkpoint, or why it cannot be
// read: it may not be there yet.
type Result struct {
	Manifest   blob.Digest
	Evaluation job.Evaluation
	Broken     error
}

// NotFound says whether an error says that there is no such object.
func NotFound(err error) bool { return errors.Is(err, blob.ErrNotFound) }

// Results reads the results of a job's evaluations. It looks at one key of each
// evaluation, however many it has. An error says that the store could not be
// asked.
func Results(ctx context.Context, b blob.Bucket, id job.ID) ([]Result, error) {
	var results []Result
	for name, err := range blob.Folders(ctx, b, id.EvalsPrefix()) {
		if err != nil {
			return nil, fmt.Errorf("list the evaluations of %s: %w", id, err)
		}
		r := Result{}
		if r.Manifest, err = blob.ParseDigest(name); err != nil {
			return nil, err
		}
		found, _, err := records.Read[job.EvaluationRecord](ctx, b, job.Unit{Job: id, Eval: r.Manifest}.ResultKey(), job.ResultFormat)
		switch {
		case err == nil:
			r.Evaluation = found.Evaluation
		case Damage(err):
			r.Broken = err
		default:
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}
