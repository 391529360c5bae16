// Command collect measures how threads are collected from the Kafka that
// COHORT_KAFKA names, against what does less: bare fetches of kafka-go and of
// franz-go, a fetch loop that only unmarshals the envelopes, and the reading of
// one thread after another over all partitions. Ours and the baselines take
// turns in one process; it prints the medians of the ratios (more than 1: Cohort
// is faster). It also measures what a second reading through the index costs,
// and how fast a batch is written and read as Parquet, as gob and as JSON. Its
// topic is deleted at the end.
//
//	make bench-collect
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cohort-rl/cohort/garbage"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// options are what can be set.
type options struct {
	broker  string
	events  int
	threads int
	rounds  int
	single  int
	memory  int64
	cases   string
}

const (
	partitions = 8
	// beside is how many threads run at a time: two workers with 8 in flight.
	beside = 16
	// inBatch is how many events an agent's producer sends together.
	inBatch = 64
)

func main() {
	var o options
	flag.IntVar(&o.events, "events", 1_000_000, "events of the topic")
	flag.IntVar(&o.threads, "threads", 10_000, "threads they belong to")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each measure is taken, all in turns; the median counts")
	flag.IntVar(&o.single, "single", 20, "threads that are read one by one")
	flag.Int64Var(&o.memory, "memory", 128, "`MiB` of messages that are held before they go to disk")
	flag.StringVar(&o.cases, "cases", "pass,single,index,parquet", "what is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	garbage.CollectRarely(ctx, os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")) // as every program of Cohort does
	o.broker = os.Getenv("COHORT_KAFKA")
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) (err error) {
	has := func(name string) bool { return slices.Contains(strings.Split(o.cases, ","), name) }
	if has("parquet") {
		if err := o.parquet(); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	if !has("pass") && !has("single") && !has("index") {
		return nil
	}
	if o.broker == "" {
		return errors.New("COHORT_KAFKA names no broker; run make bench-collect, which starts one")
	}
	log, err := kafka.Open(kafka.Config{Brokers: []string{o.broker}})
	if err != nil {
		return err
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	b := &bench{options: o, log: log, codec: codec, topic: fmt.Sprintf("bench-collect-%d", os.Getpid())}
	if err := log.Create(ctx, b.topic, partitions, time.Hour); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, log.Delete(ctx, b.topic))
	}()
	if err := b.fill(ctx); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	for _, c := range []struct {
		name    string
		measure func(context.Context) error
	}{{"pass", b.pass}, {"single", b.one}, {"index", b.index}} {
		if has(c.name) {
			if err := c.measure(ctx); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

// bench measures one thing after the other.
type bench struct {
	options
	log   *kafka.Log
	codec *telemetry.Codec
	topic string
	bytes int64         // of all values
	once  time.Duration // a pass of ours
}
