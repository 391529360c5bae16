package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
	"github.com/cohort-rl/cohort/traces"
)

// telemetryDeadLettersCommand lists the commands about events that the log did
// not take.
type telemetryDeadLettersCommand struct {
	List   deadLettersListCommand   `cmd:"" help:"List dead letters."`
	Show   deadLettersShowCommand   `cmd:"" help:"Show one dead letter whole."`
	Replay deadLettersReplayCommand `cmd:"" help:"Send dead letters back to the log, under their own sequences."`
}

// deadLettersFrom says where dead letters are read.
type deadLettersFrom struct {
	Topic   string        `placeholder:"NAME" xor:"from" help:"Topic of the dead letters: that of the log and .dead, unless the producer has another."`
	Spill   string        `placeholder:"FILE" xor:"from" help:"Spill file of a producer."`
	Timeout time.Duration `default:"10m" help:"How long to take at most (${default})."`

	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security `embed:""`
}

// Validate names the first flag that does not go with the others.
func (f *deadLettersFrom) Validate() error {
	switch {
	case f.Topic == "" && f.Spill == "":
		return errors.New("neither --topic nor --spill is set: name the topic of the dead letters, or the spill file of a producer")
	case f.Timeout < time.Second || f.Timeout > 24*time.Hour:
		return fmt.Errorf("--timeout %s: use 1s to 24h", f.Timeout)
	}
	return f.KafkaSecurity.Validate()
}

// letter is a dead letter and where it was found.
type letter struct {
	telemetry.DeadLetter
	partition int
	offset    int64
}

// place is how a user names a letter: PARTITION/OFFSET of its topic, or the
// offset in a spill file.
func (f *deadLettersFrom) place(l letter) string {
	if f.Spill != "" {
		return fmt.Sprint(l.offset)
	}
	return fmt.Sprintf("%d/%d", l.partition, l.offset)
}

// damaged says that some records are no dead letters, and, where all are, which
// topic may have been meant.
func (f *deadLettersFrom) damaged(bad, letters int) error {
	const problem = "%d records are damaged or no dead letters"
	if letters == 0 && f.Topic != "" && !strings.HasSuffix(f.Topic, ".dead") {
		return fmt.Errorf(problem+": is --topic %s.dead meant?", bad, f.Topic)
	}
	return fmt.Errorf(problem, bad)
}

// read hands each letter to take, in the order of the partitions and offsets,
// and returns how many records are none, or damaged.
func (f *deadLettersFrom) read(ctx context.Context, take func(letter) error) (bad int, err error) {
	if f.Spill != "" {
		found, err := spill.Scan(f.Spill, func(r spill.Record) error {
			l, err := telemetry.ReadDeadLetter(r.Payload)
			if err != nil {
				bad++
				return ctx.Err()
			}
			return errors.Join(take(letter{DeadLetter: l, offset: r.At}), ctx.Err())
		})
		if err != nil {
			err = fmt.Errorf("--spill: %w", err)
		}
		return bad + found.Damaged, err
	}
	log, err := openLog(ctx, f.Kafka, f.KafkaSecurity)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	bounds, err := log.Bounds(ctx, f.Topic)
	if errors.Is(err, traces.ErrGone) {
		return 0, fmt.Errorf("--topic %s: there is no such topic: no letter has been sent to it, or it has another name", f.Topic)
	}
	if err != nil {
		return 0, err
	}
	topic := traces.Topic{Log: log, Name: f.Topic}
	for p, b := range bounds {
		err := topic.Scan(ctx, p, b.First, b.End, func(r traces.Record) error {
			l, err := letterOf(r)
			if err != nil {
				bad++
				return nil //nolint:nilerr // it is counted
			}
			return take(letter{DeadLetter: l, partition: p, offset: r.Offset})
		})
		if err != nil {
			return bad, err
		}
	}
	return bad, nil
}

// letterOf reads a record of the dead letters' topic. Its time is that of the
// event, which is what the message had.
func letterOf(r traces.Record) (telemetry.DeadLetter, error) {
	headers := make([]telemetry.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = telemetry.Header(h)
	}
	l, err := telemetry.ParseDeadLetter(time.Unix(0, 0), r.Key, r.Value, headers)
	if err != nil {
		return l, err
	}
	if event, err := eventOf(l); err == nil {
		l.Time = event.Time
	}
	return l, nil
}

// eventOf opens a letter's frame, which may be larger than the log takes.
func eventOf(l telemetry.DeadLetter) (telemetry.Event, error) {
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes, limits.AttributeBytes = spill.MaxRecord, spill.MaxRecord, spill.MaxRecord
	codec, err := telemetry.NewCodec(limits, telemetry.None)
	if err != nil {
		return telemetry.Event{}, err
	}
	return codec.Decode(l.Frame)
}
