package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// never is a rate limit of nothing.
type never struct{}

func (never) Allow(context.Context, string, int) error { return errors.New("over the rate") }

// deadLetters serves Kafka with a topic, events, and its dead letters: two
// events of thread t that were lost to an outage, and one that was refused. Two
// more of the outage are in a spill file.
func deadLetters(ts *testscript.TestScript, _ bool, args []string) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	ts.Check(err)
	ts.Defer(cluster.Close)
	ts.Setenv("KAFKA", strings.Join(cluster.ListenAddrs(), ","))
	var down atomic.Bool
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if down.Load() && r.(*kmsg.ProduceRequest).Topics[0].Topic == "events" {
			return nil, errors.New("down"), true
		}
		return nil, nil, false
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var late atomic.Int64
	config := telemetry.Config{
		Brokers: cluster.ListenAddrs(), Topic: "events", Instance: "000102030405060708090a0b0c0d0e0f", Tenant: "acme",
		Now:         func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
		DeadLetters: &telemetry.DeadLetters{},
	}
	p, err := telemetry.NewProducer(config)
	ts.Check(err)
	ts.Check(admitRewards(ctx, p, 0, 1))
	_, err = p.Flush(ctx)
	ts.Check(err)
	down.Store(true)
	ts.Check(admitRewards(ctx, p, 1, 3))
	late.Store(int64(time.Hour))
	if _, err := p.Flush(ctx); !errors.Is(err, telemetry.ErrUndelivered) {
		ts.Fatalf("flush: %v", err)
	}
	down.Store(false)
	_, err = p.Close(ctx)
	ts.Check(err)

	config.Instance, config.Limiter = "101112131415161718191a1b1c1d1e1f", never{}
	p, err = telemetry.NewProducer(config)
	ts.Check(err)
	if err := admitRewards(ctx, p, 9, 10); err == nil {
		ts.Fatalf("nothing was refused")
	}
	_, err = p.Close(ctx)
	ts.Check(err)

	config.Instance, config.Limiter = "202122232425262728292a2b2c2d2e2f", nil
	config.DeadLetters = &telemetry.DeadLetters{Spill: ts.MkAbs(args[0])}
	p, err = telemetry.NewProducer(config)
	ts.Check(err)
	down.Store(true)
	ts.Check(admitRewards(ctx, p, 3, 5))
	brief, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if a, _ := p.Close(brief); a.Spilled != 2 {
		ts.Fatalf("accounts are %+v", a)
	}
	down.Store(false)
}

func admitRewards(ctx context.Context, p *telemetry.Producer, from, to uint64) error {
	for i := from; i < to; i++ {
		err := p.Admit(ctx, telemetry.Event{
			Thread: "t", Index: i, Time: time.Date(2026, 1, 2, 12, 0, int(i), 0, time.UTC), Name: "reward", //nolint:gosec // a few
			Attributes: []telemetry.Attribute{{Key: "api_key", Value: "hunter2"}}, Body: telemetry.Reward{Value: 1},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
