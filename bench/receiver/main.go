// Command receiver measures how many spans a second the OTLP receiver takes, on
// the Kafka that COHORT_KAFKA names, until Kafka has acknowledged them, against a
// raw kafka-go Writer that sends the messages that the receiver made of them.
// Receiver and Writer take turns in one process, exporters included; it prints the
// medians and the ratio (more than 1: the receiver is faster). Its topics are
// deleted at the end.
//
//	make bench-receiver
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/garbage"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// options are what can be set.
type options struct {
	brokers  []string
	spans    int
	clients  int
	rounds   int
	together int
	traces   int
}

const partitions = 8

func main() {
	var o options
	flag.IntVar(&o.spans, "spans", 300_000, "spans of one measure")
	flag.IntVar(&o.clients, "clients", 16, "exporters at once")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each measure is taken, the receiver and the Writer in turns; the median counts")
	flag.IntVar(&o.together, "together", 512, "spans of a request; 512 is what OpenTelemetry's SDKs send")
	flag.IntVar(&o.traces, "traces", 64, "traces of a request")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	garbage.CollectRarely(ctx, os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")) // as every program of Cohort does
	if broker := os.Getenv("COHORT_KAFKA"); broker != "" {
		o.brokers = []string{broker}
	}
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) (err error) {
	if len(o.brokers) == 0 {
		return errors.New("COHORT_KAFKA names no broker; run make bench-receiver, which starts one")
	}
	log, err := kafka.Open(kafka.Config{Brokers: o.brokers})
	if err != nil {
		return err
	}
	defer log.Close()
	b := &bench{options: o, log: log, topics: compare.Topics{Log: log, Run: fmt.Sprintf("bench-receiver-%d", os.Getpid()), Partitions: partitions}}
	defer func() { err = errors.Join(err, b.topics.Delete(ctx)) }()
	requests, err := b.requests()
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name     string
		requests []request
	}{{"protobuf", requests}, {"gzip", zipped(requests)}} {
		if err := b.compare(ctx, c.name, c.requests); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// bench measures one thing after the other.
type bench struct {
	options
	log    *kafka.Log
	topics compare.Topics
}

// compare lets receiver and Writer take turns.
func (b *bench) compare(ctx context.Context, name string, requests []request) error {
	ours, err := b.topics.Create(ctx, name+"-ours")
	if err != nil {
		return err
	}
	theirs, err := b.topics.Create(ctx, name+"-raw")
	if err != nil {
		return err
	}
	if _, err := b.receive(ctx, ours, requests); err != nil { // a cold broker is slow
		return err
	}
	messages, err := b.sent(ctx, ours)
	if err != nil {
		return err
	}
	if _, err := b.write(ctx, theirs, messages); err != nil {
		return err
	}
	rates, err := compare.Turns(b.rounds,
		func() (float64, error) { return b.receive(ctx, ours, requests) },
		func() (float64, error) { return b.write(ctx, theirs, messages) },
	)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %.2f times a raw Writer (%.2f to %.2f in %d rounds; %.0f spans/s against %.0f), %d spans of %.0f B in requests of %d spans and %d traces, %d messages, %d exporters\n",
		name, compare.Median(rates.Ratios), slices.Min(rates.Ratios), slices.Max(rates.Ratios), b.rounds, compare.Median(rates.Ours), compare.Median(rates.Baseline),
		b.spans, size(messages)/float64(b.spans), b.together, b.traces, len(messages), b.clients)
	return nil
}
