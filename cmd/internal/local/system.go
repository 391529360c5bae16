// Package local runs the whole system in one process: Redis, Kafka and the
// object store embedded, a coordinator, and workers. All of them talk over TCP
// on loopback, through the very run functions of the daemons.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/embedded"
)

// Config says where the system keeps its data and how much of it runs.
type Config struct {
	// Dir holds the store and Kafka's log. One process at a time uses it.
	Dir     string
	Workers int
	// Listen is where the API is served; port 0 takes a free one.
	Listen string
	// Tracing says where spans go.
	Tracing daemon.Tracing
	// Receiving says where OpenTelemetry exporters are answered.
	Receiving daemon.Receiving
	Version   string
	Logger    *slog.Logger
}

// System is where a running system is found.
type System struct {
	API   string // base URL
	Store string // URL
	Redis string
	Kafka string
	// Receiver answers OpenTelemetry exporters; it is empty if it is not wanted.
	Receiver daemon.ReceiverAddress
}

// check is how often an idle worker asks for shards: each question makes the
// embedded Redis run three scripts, at about half a millisecond each.
const check = 20 * time.Millisecond

// StoreURL is the store of the system whose data are in dir, an absolute path.
func StoreURL(dir string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(dir, "store"))}).String()
}

// Run runs the system and calls use once everything is ready. When use returns,
// or ctx ends, the workers are drained, then the rest is stopped.
func Run(ctx context.Context, c Config, use func(context.Context, System) error) (err error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", c.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	redis, err := embedded.StartRedis(ctx, embedded.RedisConfig{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	kafka, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: filepath.Join(dir, "kafka"), Logger: c.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.Close()) }()
	withdraw, err := announceBroker(dir, kafka.Addr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, withdraw()) }()
	s := System{Store: StoreURL(dir), Redis: redis.Addr(), Kafka: kafka.Addr()}
	return c.run(ctx, s, use)
}

// run runs the daemons.
func (c Config) run(ctx context.Context, s System, use func(context.Context, System) error) error {
	where := services.Config{Redis: []string{s.Redis}, Kafka: []string{s.Kafka}, Store: s.Store, Wait: 10 * time.Second, Rebind: true}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(ctx)
	ready := make(chan System, 1)
	g.Go(func() error {
		return daemon.RunCoordinator(gctx, daemon.CoordinatorConfig{
			Config: where, Tracing: c.Tracing, Receiving: c.Receiving, Name: "coordinator", Listen: c.Listen, Version: c.Version,
			Lease: 3 * time.Second, Rescan: time.Second, Poll: 500 * time.Millisecond, Grace: 5 * time.Second,
			Ready: func(address net.Addr, receiver daemon.ReceiverAddress) {
				s.API, s.Receiver = "http://"+address.String(), receiver
				ready <- s
			},
		}, c.Logger)
	})
	for i := range c.Workers {
		g.Go(func() error {
			return daemon.RunWorker(gctx, daemon.WorkerConfig{
				Config: where, Tracing: c.Tracing, Name: fmt.Sprintf("worker-%d", i+1), Version: c.Version, Shards: 8, Check: check,
				Listen: "127.0.0.1:0", Grace: time.Second, RewardHost: []string{"127.0.0.1", "localhost", "::1"},
			}, c.Logger)
		})
	}
	g.Go(func() error {
		defer stop()
		select {
		case running := <-ready:
			return use(gctx, running)
		case <-gctx.Done():
			return nil
		}
	})
	return g.Wait()
}
