package services

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// OpenStoreAsItIs opens the store as OpenStore does, but makes no folder.
func (c Config) OpenStoreAsItIs(ctx context.Context) (blob.Bucket, error) {
	if strings.HasPrefix(c.Store, "file:") {
		return open.Open(ctx, c.Store, open.Options{})
	}
	return c.OpenStore(ctx)
}

// LookStore asks the store once which deployment it holds, and changes nothing.
// found is false where it holds none yet. Errors are *Fault.
func (c Config) LookStore(ctx context.Context, store blob.Bucket) (d deployment.Deployment, found bool, err error) {
	kept, _, err := records.Read[deployment.Deployment](ctx, store, job.DeploymentKey, deployment.Format)
	if errors.Is(err, blob.ErrNotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, c.storeFault(err)
	}
	return *kept, true, nil
}

// LookBinding says whether the bucket's deployment is bound to these services,
// and why it would be bound anew; it changes nothing. Errors are *Fault.
func (c Config) LookBinding(ctx context.Context, store blob.Bucket, client redis.UniversalClient, d deployment.Deployment, cluster kafka.Cluster) (bound bool, why []string, err error) {
	place, err := c.redisPlace()
	if err != nil {
		return false, nil, err
	}
	bound, why, err = d.Compare(ctx, store, deployment.Found{
		Redis: client, RedisAddresses: place.names(), KafkaAddresses: c.Kafka, KafkaCluster: cluster.ID,
	})
	if err != nil {
		return bound, nil, c.bindingFault(err)
	}
	return bound, why, nil
}

// TryRedis puts a key that begins as those of deployments do, reads it and
// deletes it again; it lapses by itself. Errors are *Fault.
func (c Config) TryRedis(ctx context.Context, client redis.UniversalClient, nonce string) error {
	key := "cohort-doctor:" + nonce
	if err := client.Set(ctx, key, nonce, 10*time.Second).Err(); err != nil {
		return c.redisFault(err)
	}
	kept, err := client.Get(ctx, key).Result()
	if err == nil && kept != nonce {
		err = fmt.Errorf("it holds %q where %q was put", kept, nonce)
	}
	if err := errors.Join(err, client.Del(ctx, key).Err()); err != nil {
		return c.redisFault(err)
	}
	return nil
}

// TryKafka asks whether a topic could be created; none is. Errors are *Fault.
func (c Config) TryKafka(ctx context.Context, log *kafka.Log, topic string, partitions int) error {
	if err := log.MayCreate(ctx, topic, partitions); err != nil {
		return c.kafkaFault(err)
	}
	return nil
}

// LookTopic says whether a topic is there; one that is there and that a job
// cannot use is a *Fault, as is any other error.
func (c Config) LookTopic(ctx context.Context, log *kafka.Log, topic string, partitions int, retention time.Duration) (there bool, err error) {
	err = log.Check(ctx, topic, partitions, retention)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, traces.ErrGone):
		return false, nil
	case errors.Is(err, kafka.ErrSettings):
		what, remedy, _ := strings.Cut(err.Error(), "; ")
		return true, &Fault{What: what, Remedy: remedy, Lasting: true}
	}
	return true, c.kafkaFault(err)
}
