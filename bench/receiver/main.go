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
	"time"

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
	b := &bench{options: o, log: log, run: fmt.Sprintf("bench-receiver-%d", os.Getpid())}
	defer func() { err = errors.Join(err, b.clean(ctx)) }()
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
	run    string // begins the names of its topics
	topics []string
}

// topic creates a topic of the run.
func (b *bench) topic(ctx context.Context, name string) (string, error) {
	topic := b.run + "-" + name
	b.topics = append(b.topics, topic)
	return topic, b.log.Create(ctx, topic, partitions, time.Hour)
}

// clean deletes the topics, also when ctx has ended.
func (b *bench) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var failures []error
	for _, topic := range b.topics {
		failures = append(failures, b.log.Delete(ctx, topic))
	}
	return errors.Join(failures...)
}

// compare lets receiver and Writer take turns.
func (b *bench) compare(ctx context.Context, name string, requests []request) error {
	ours, err := b.topic(ctx, name+"-ours")
	if err != nil {
		return err
	}
	theirs, err := b.topic(ctx, name+"-raw")
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
	var mine, base, ratios []float64
	for round := range b.rounds {
		var m, r float64
		turns := []func() error{
			func() (err error) { m, err = b.receive(ctx, ours, requests); return err },
			func() (err error) { r, err = b.write(ctx, theirs, messages); return err },
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return err
			}
		}
		mine, base, ratios = append(mine, m), append(base, r), append(ratios, m/r)
	}
	fmt.Printf("%s: %.2f times a raw Writer (%.2f to %.2f in %d rounds; %.0f spans/s against %.0f), %d spans of %.0f B in requests of %d spans and %d traces, %d messages, %d exporters\n",
		name, median(ratios), slices.Min(ratios), slices.Max(ratios), b.rounds, median(mine), median(base),
		b.spans, size(messages)/float64(b.spans), b.together, b.traces, len(messages), b.clients)
	return nil
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
