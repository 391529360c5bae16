package main

import (
	"context"
	"errors"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/traces"
)

// everyTopic are the topics of all jobs in a bucket, and that of the receiver if
// it is in the log.
func (f *tracesFrom) everyTopic(ctx context.Context, bucket blob.Bucket) ([]string, error) {
	names, err := topicsIn(ctx, bucket, nil)
	if err != nil {
		return nil, err
	}
	d, _, err := records.Read[deployment.Deployment](ctx, bucket, job.DeploymentKey, deployment.Format)
	if err != nil {
		return nil, err
	}
	log, err := openLog(ctx, f.Kafka, f.KafkaSecurity)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	received := daemon.ReceiverTopic(d.TopicPrefix())
	if _, err := log.Bounds(ctx, received); err == nil {
		names = append(names, received)
	} else if !errors.Is(err, traces.ErrGone) {
		return nil, err
	}
	return names, nil
}
