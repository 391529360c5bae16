package scrub

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// ErrNoJob says that nothing of a job lies in the store.
var ErrNoJob = errors.New("no such job in the store")

// One scrubs a job. Whatever is wrong with its objects is in what it returns;
// an error means that the store could not be looked at, or has no such job.
func One(ctx context.Context, b blob.Bucket, id job.ID, depth Depth) (Job, error) {
	r := newRun(b, id, depth)
	if err := r.inventory(ctx); err != nil {
		return Job{}, err
	}
	if len(r.sizes) == 0 {
		return Job{}, fmt.Errorf("job %s: %w", id, ErrNoJob)
	}
	if err := r.readLog(ctx); err != nil {
		return Job{}, err
	}
	if err := r.readManifests(ctx); err != nil {
		return Job{}, err
	}
	if depth >= Records {
		if err := r.readRecords(ctx); err != nil {
			return Job{}, err
		}
		r.referAll()
	}
	if depth >= Deep {
		if err := r.readContent(ctx); err != nil {
			return Job{}, err
		}
	}
	r.compare()
	return r.report(), nil
}

// Jobs lists the jobs of which anything lies in the store, but for those that
// are being deleted.
func Jobs(ctx context.Context, b blob.Bucket) ([]job.ID, error) {
	all, err := checkpoint.Jobs(ctx, b)
	if err != nil {
		return nil, err
	}
	var ids []job.ID
	for _, id := range all {
		switch _, err := b.Head(ctx, id.DeletedKey()); {
		case errors.Is(err, blob.ErrNotFound):
			ids = append(ids, id)
		case err != nil:
			return nil, fmt.Errorf("look whether %s is deleted: %w", id, err)
		}
	}
	return ids, nil
}

// Some scrubs some jobs.
func Some(ctx context.Context, b blob.Bucket, depth Depth, ids ...job.ID) (*Report, error) {
	report := &Report{OK: true, Deep: depth == Deep, Jobs: []Job{}, Findings: []Finding{}}
	for _, id := range ids {
		j, err := One(ctx, b, id, depth)
		if err != nil {
			return nil, err
		}
		report.OK = report.OK && len(j.Findings) == 0
		report.Jobs = append(report.Jobs, j)
	}
	return report, nil
}

// All scrubs everything that lies in a store.
func All(ctx context.Context, b blob.Bucket, depth Depth) (*Report, error) {
	ids, err := Jobs(ctx, b)
	if err != nil {
		return nil, err
	}
	report, err := Some(ctx, b, depth, ids...)
	if err != nil {
		return nil, err
	}
	if err := outside(ctx, b, depth, ids, report); err != nil {
		return nil, err
	}
	report.OK = report.OK && len(report.Findings) == 0
	return report, nil
}
