package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
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
// each. The caller must Close what it returns.
func (c Config) Connect(ctx context.Context, logger *slog.Logger) (conns *Connections, err error) {
	waiting, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	conns = &Connections{}
	defer func() {
		if err != nil {
			err = errors.Join(err, conns.Close())
		}
	}()
	if conns.Store, err = c.OpenStore(ctx); err != nil {
		return nil, err
	}
	if files, ok := conns.Store.(interface {
		Sweep(ctx context.Context) (int, error)
	}); ok {
		n, err := files.Sweep(waiting)
		if err != nil {
			return nil, fmt.Errorf("--store %s: %w", c.Store, err)
		}
		if n > 0 {
			logger.Info("Swept what killed writers left half-written.", "files", n)
		}
	}
	if _, err := probe.Run(waiting, patient.New(conns.Store, clock.System{}, logger), nonce()); err != nil {
		return nil, fmt.Errorf("--store %s: %w", c.Store, err)
	}
	if conns.Deployment, err = deployment.Join(waiting, patient.New(conns.Store, clock.System{}, logger), nonce()); err != nil {
		return nil, fmt.Errorf("--store %s: %w", c.Store, err)
	}
	if conns.Redis, err = c.OpenRedis(ctx); err != nil {
		return nil, err
	}
	if err := await(waiting, logger, "Redis", func(ctx context.Context) error { return conns.Redis.Ping(ctx).Err() }); err != nil {
		return nil, fmt.Errorf("redis at %v does not answer within %s: %w; start it, or name another with --redis", c.Redis, c.Wait, err)
	}
	if conns.Log, err = c.OpenKafka(ctx); err != nil {
		return nil, err
	}
	// A topic that is not there is an answer.
	if _, err = conns.Log.Bounds(waiting, conns.Deployment.TopicPrefix()+"none"); err != nil && !errors.Is(err, traces.ErrGone) {
		return nil, fmt.Errorf("kafka at %v does not answer within %s: %w; start it, or name another with --kafka", c.Kafka, c.Wait, err)
	}
	conns.Codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	return conns, err
}

// await tries until the service answers or ctx ends, and says so.
func await(ctx context.Context, logger *slog.Logger, what string, try func(context.Context) error) error {
	err := try(ctx)
	for said := false; err != nil && ctx.Err() == nil; err = try(ctx) {
		if !said {
			logger.Info("Waiting for a service that does not answer yet.", "service", what, "error", err)
			said = true
		}
		if (clock.System{}).Sleep(ctx, 200*time.Millisecond) != nil {
			break
		}
	}
	return err
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
