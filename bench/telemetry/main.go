// Command telemetry measures what recording and auditing events costs, on the
// Kafka that COHORT_KAFKA names, against what does the same without guarantees:
// a raw kafka-go Writer that sends the identical messages, a ring under a mutex,
// and bare fetches. Ours and the baseline take turns in one process; it prints
// the medians of the ratios (more than 1: Cohort is faster). Its topics are
// deleted at the end.
//
//	make bench-telemetry
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

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/garbage"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// options are what can be set.
type options struct {
	brokers []string
	events  int
	rounds  int
	audited int
	paced   time.Duration
	rate    float64
	cases   string
}

const (
	partitions = 8
	writers    = 8
)

func main() {
	var o options
	flag.IntVar(&o.events, "events", 400_000, "events of one measure of throughput")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each measure is taken, ours and the baseline in turns; the median counts")
	flag.IntVar(&o.audited, "audited", 1_000_000, "events of the topic that is audited")
	flag.DurationVar(&o.paced, "paced", 3*time.Second, "how long admissions are measured in a round")
	flag.Float64Var(&o.rate, "rate", 0, "events a second of admissions; 0 is half of the throughput that was measured")
	flag.StringVar(&o.cases, "cases", "throughput,admission,audit", "what is measured")
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
		return errors.New("COHORT_KAFKA names no broker; run make bench-telemetry, which starts one")
	}
	log, err := kafka.Open(kafka.Config{Brokers: o.brokers})
	if err != nil {
		return err
	}
	defer log.Close()
	b := &bench{options: o, log: log, topics: compare.Topics{Log: log, Run: fmt.Sprintf("bench-telemetry-%d", os.Getpid()), Partitions: partitions}}
	defer func() { err = errors.Join(err, b.topics.Delete(ctx)) }()
	for _, c := range []struct {
		name    string
		measure func(context.Context) error
	}{{"throughput", b.throughput}, {"admission", b.admission}, {"audit", b.audit}} {
		if !slices.Contains(strings.Split(o.cases, ","), c.name) {
			continue
		}
		if err := c.measure(ctx); err != nil {
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

// producer is one with every guarantee and every default.
func (b *bench) producer(topic string) (*telemetry.Producer, error) {
	return telemetry.NewProducer(telemetry.Config{Brokers: b.brokers, Topic: topic})
}

// event is the i-th event of a thread: a decision whose frame has about 300 bytes.
func event(thread string, i uint64, at time.Time) telemetry.Event {
	return telemetry.Event{Thread: thread, Index: i, Time: at, Name: "move", Body: telemetry.Decision{
		Number: uint32(i), Policy: policy, Width: 12, Features: features(), Chosen: 1, LogProb: -0.5, //nolint:gosec // an index
	}}
}

const policy = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func features() []float32 {
	all := make([]float32, 36)
	for i := range all {
		all[i] = float32(i) / 7
	}
	return all
}
