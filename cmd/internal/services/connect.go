package services

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// Connections are what a Config leads to.
type Connections struct {
	Store      blob.Bucket
	Redis      redis.UniversalClient
	Log        *kafka.Log
	Codec      *telemetry.Codec
	Deployment deployment.Deployment
}

// Connect opens the services and waits until each answers, at most c.Wait for
// each. It refuses at once what waiting does not help, joins the bucket's
// deployment and binds it to this Redis and this Kafka. The caller must Close
// what it returns.
func (c Config) Connect(ctx context.Context, logger *slog.Logger) (conns *Connections, err error) {
	opened := &Connections{}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Close())
		}
	}()
	if opened.Store, err = c.OpenStore(ctx); err != nil {
		return nil, err
	}
	if opened.Redis, err = c.OpenRedis(ctx); err != nil {
		return nil, err
	}
	if opened.Log, err = c.OpenKafka(ctx); err != nil {
		return nil, err
	}
	if opened.Codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None); err != nil {
		return nil, err
	}
	cluster, err := c.awaitAll(ctx, opened, logger)
	if err != nil {
		return nil, err
	}
	if err := c.join(ctx, opened, cluster, logger); err != nil {
		return nil, err
	}
	return opened, nil
}

// awaitAll waits for one service after the other.
func (c Config) awaitAll(ctx context.Context, opened *Connections, logger *slog.Logger) (cluster kafka.Cluster, err error) {
	err = await(ctx, c.Wait, logger, "the store", func(ctx context.Context) error {
		if err := c.sweep(ctx, opened.Store, logger); err != nil {
			return err
		}
		_, err := c.CheckStore(ctx, opened.Store)
		return err
	})
	if err != nil {
		return cluster, err
	}
	err = await(ctx, c.Wait, logger, "Redis", func(ctx context.Context) error {
		_, err := c.CheckRedis(ctx, opened.Redis)
		return err
	})
	if err != nil {
		return cluster, err
	}
	err = await(ctx, c.Wait, logger, "Kafka", func(ctx context.Context) (err error) {
		cluster, err = c.CheckKafka(ctx, opened.Log)
		return err
	})
	return cluster, err
}

// join makes this process one of the bucket's deployment.
func (c Config) join(ctx context.Context, opened *Connections, cluster kafka.Cluster, logger *slog.Logger) (err error) {
	waiting, cancel := context.WithTimeout(ctx, max(c.Wait, time.Second))
	defer cancel()
	store := patient.New(opened.Store, clock.System{}, patient.NewVoice(clock.System{}, logger))
	if opened.Deployment, err = deployment.Join(waiting, store, Nonce()); err != nil {
		return c.storeFault(err)
	}
	return c.bind(waiting, store, opened, cluster, logger)
}

// bind binds the bucket to the services, or says that it belongs to others.
func (c Config) bind(ctx context.Context, store blob.Bucket, opened *Connections, cluster kafka.Cluster, logger *slog.Logger) error {
	place, err := c.redisPlace()
	if err != nil {
		return err
	}
	why, err := opened.Deployment.Bind(ctx, store, deployment.Found{
		Redis: opened.Redis, RedisAddresses: place.names(), KafkaAddresses: c.Kafka, KafkaCluster: cluster.ID,
	}, c.Rebind, Nonce())
	for _, reason := range why {
		logger.Warn("The bucket is bound to its services anew.", "reason", reason)
	}
	if err != nil {
		return c.bindingFault(err)
	}
	return nil
}

// bindingFault says what an error of the binding means.
func (c Config) bindingFault(err error) *Fault {
	elsewhere, ok := errors.AsType[*deployment.Elsewhere](err)
	switch {
	case ok:
		return &Fault{
			What: "--store " + c.Store, Err: elsewhere, Lasting: true,
			Remedy: "name another --store, or the " + elsewhere.Service + " it belongs to with --" + strings.ToLower(elsewhere.Service) + ", or add --rebind if the deployment has moved",
		}
	case errors.Is(err, deployment.ErrToken):
		return c.redisFault(err)
	}
	return c.storeFault(err)
}

// Close closes what was opened. The store's connections end with the context
// that it was opened under.
func (c *Connections) Close() error {
	if c.Log != nil {
		c.Log.Close()
	}
	if c.Redis == nil {
		return nil
	}
	return c.Redis.Close()
}
