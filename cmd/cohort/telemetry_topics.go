package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
)

// topicsOf are the topics that are given, or those that the jobs in a store
// began with: those given, or all.
func topicsOf(ctx context.Context, given, jobs []string, store string, access services.StoreAccess) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	if store == "" {
		return nil, usage(errors.New("--store is not set: name the store of the jobs, or a topic with --topic, or a folder with --dir"))
	}
	bucket, err := openStore(ctx, store, access)
	if err != nil {
		return nil, err
	}
	return topicsIn(ctx, bucket, jobs)
}

// topicsIn are the topics that the jobs in a bucket began with: those given, or
// all.
func topicsIn(ctx context.Context, bucket blob.Bucket, jobs []string) ([]string, error) {
	ids, err := jobsOf(ctx, bucket, jobs)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, id := range ids {
		first, err := checkpoint.ReadEntry(ctx, bucket, id, 0)
		switch {
		case errors.Is(err, blob.ErrNotFound) && len(jobs) > 0:
			return nil, fmt.Errorf("job %s has not begun, or is not in the store: `cohort jobs` lists those there are", id)
		case errors.Is(err, blob.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		}
		if first.Begin != nil {
			topics = append(topics, first.Begin.Topic)
		}
	}
	return topics, nil
}

// jobsOf are the jobs that are given, or all that the bucket has.
func jobsOf(ctx context.Context, bucket blob.Bucket, given []string) ([]job.ID, error) {
	if len(given) == 0 {
		return checkpoint.Jobs(ctx, bucket)
	}
	ids := make([]job.ID, 0, len(given))
	for _, text := range given {
		id, err := job.ParseID(text)
		if err != nil {
			return nil, usage(err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
