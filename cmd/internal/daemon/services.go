// Package daemon wires the coordinator and the worker: it opens what they need
// and runs them until a context ends. The commands coordinator and worker run
// one of them in a process of its own; cohort up and cohort demo run all of
// them in one.
package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// Services says where Redis, Kafka and the object store are.
type Services struct {
	Redis string        `default:"127.0.0.1:6379" env:"COHORT_REDIS" help:"Redis, which carries work. It may lose everything at any time."`
	Kafka []string      `default:"127.0.0.1:9092" env:"COHORT_KAFKA" help:"Brokers of Kafka, which carries what agents record."`
	Store string        `required:"" env:"COHORT_STORE" placeholder:"URL" help:"Object store, which holds everything that must last: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	Wait  time.Duration `default:"10s" env:"COHORT_WAIT" help:"How long to wait at start for services that do not answer yet."`
}

// nonce returns 128 random bits in hexadecimal.
func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}

// connections are what Services lead to.
type connections struct {
	store      blob.Bucket
	redis      *redis.Client
	log        *kafka.Log
	codec      *telemetry.Codec
	deployment deployment.Deployment
}

// connect opens the services and waits until each answers, at most s.Wait.
func connect(ctx context.Context, s Services, logger *slog.Logger) (*connections, error) {
	waiting, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	c := &connections{}
	var err error
	if c.store, err = open.Open(ctx, s.Store, open.Options{Create: true}); err != nil {
		return nil, err
	}
	if files, ok := c.store.(interface {
		Sweep(ctx context.Context) (int, error)
	}); ok {
		n, err := files.Sweep(waiting)
		if err != nil {
			return nil, fmt.Errorf("--store %s: %w", s.Store, err)
		}
		if n > 0 {
			logger.Info("Swept what killed writers left half-written.", "files", n)
		}
	}
	if _, err := probe.Run(waiting, patient.New(c.store, clock.System{}, logger), nonce()); err != nil {
		return nil, fmt.Errorf("--store %s: %w", s.Store, err)
	}
	if c.deployment, err = deployment.Join(waiting, patient.New(c.store, clock.System{}, logger), nonce()); err != nil {
		return nil, fmt.Errorf("--store %s: %w", s.Store, err)
	}
	c.redis = redis.NewClient(&redis.Options{Addr: s.Redis, ClientName: "cohort"})
	if err := await(waiting, logger, "Redis", func(ctx context.Context) error { return c.redis.Ping(ctx).Err() }); err != nil {
		return nil, errors.Join(fmt.Errorf("redis at %s does not answer within %s: %w; start it, or name another with --redis", s.Redis, s.Wait, err), c.Close())
	}
	if c.log, err = kafka.Open(s.Kafka...); err == nil {
		// A topic that is not there is an answer.
		if _, err = c.log.Bounds(waiting, c.deployment.TopicPrefix()+"none"); errors.Is(err, traces.ErrGone) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("kafka at %v does not answer within %s: %w; start it, or name another with --kafka", s.Kafka, s.Wait, err)
		}
	}
	if err == nil {
		c.codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
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

// Close closes what was opened.
func (c *connections) Close() error {
	if c.log != nil {
		c.log.Close()
	}
	return c.redis.Close()
}
