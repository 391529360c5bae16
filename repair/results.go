package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	prefix := id.EvalsPrefix()
	for after := ""; ; {
		manifest, err := nextEvaluation(ctx, b, id, prefix, after)
		if err != nil || manifest == "" {
			return results, err
		}
		after = prefix + string(manifest) + "0" // behind all keys of this one: "0" follows "/"
		r := Result{Manifest: manifest}
		found, _, err := records.Read[job.EvaluationRecord](ctx, b, job.Unit{Job: id, Eval: manifest}.ResultKey(), job.ResultFormat)
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
}

// nextEvaluation is the manifest of the first evaluation behind after; empty if
// there is none.
func nextEvaluation(ctx context.Context, b blob.Bucket, id job.ID, prefix, after string) (blob.Digest, error) {
	for info, err := range b.List(ctx, prefix, after) {
		if err != nil {
			return "", fmt.Errorf("list the evaluations of %s: %w", id, err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
		return blob.ParseDigest(name)
	}
	return "", nil
}
