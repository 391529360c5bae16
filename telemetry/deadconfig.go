package telemetry

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/telemetry/spill"
)

// Limiter says whether a tenant may send n more events now. An error is a
// refusal, whatever it says: who cannot be asked lets nothing through.
type Limiter interface {
	Allow(ctx context.Context, tenant string, n int) error
}

// DeadLetters says where events go that the log did not take: to a topic, on
// connections and, if wanted, a cluster of its own; and from there, when that
// cannot be reached either, to a spill file. Every field has a default.
type DeadLetters struct {
	// Brokers, TLS and SASL reach the cluster of the topic. Without Brokers they
	// are those of the log, over connections of their own.
	Brokers []string
	TLS     *tls.Config
	SASL    sasl.Mechanism
	// Topic is that of the log and ".dead". If it is missing when the first
	// letter comes, the producer creates it with Partitions (1), replicated as
	// the cluster's default says.
	Topic      string
	Partitions int

	// QueueEvents and QueueBytes bound what waits for the dead letters, beside
	// the log's queue: 4,096 and 16 MiB. When it is full, events that were given
	// up keep their places in the log's queue.
	QueueEvents, QueueBytes int
	// LetterBytes bounds an event over the producer's limits that is kept whole
	// as a letter: 8 MiB. A larger one is only counted.
	LetterBytes int
	// Patience is how long the topic may fail before letters are spilled: 10 s.
	// Where there is no spill file, they have failed then.
	Patience time.Duration

	// Spill is the path of the spill file, for this producer alone; empty is
	// none. What an earlier producer left in it is replayed.
	Spill string
	// SpillBytes is its cap: 1 GiB. WhenSpillFull says what happens then: by
	// default letters wait, and with them, once all queues are full, callers.
	SpillBytes    int64
	WhenSpillFull spill.Full

	// Secrets are the keys of a [redact.Redactor] whose values are replaced by
	// Redacted in dead letters and spill file, and so in replays: in attributes,
	// in errors' messages and in baggage. Nil stands for those of Config.Redact;
	// empty is none.
	Secrets []string
}

// complete returns the settings with defaults from those of the log.
func (d DeadLetters) complete(log Config) (DeadLetters, error) {
	if len(d.Brokers) == 0 {
		if d.TLS != nil || d.SASL != nil {
			return d, fmt.Errorf("%w: DeadLetters has TLS or SASL but no Brokers", ErrInvalidConfig)
		}
		d.Brokers, d.TLS, d.SASL = log.Brokers, log.TLS, log.SASL
	}
	d.Topic = orDefault(d.Topic, log.Topic+".dead")
	d.Partitions = orDefault(d.Partitions, 1)
	d.QueueEvents = orDefault(d.QueueEvents, 4096)
	d.QueueBytes = orDefault(d.QueueBytes, defaultLetterBytes)
	d.LetterBytes = orDefault(d.LetterBytes, 8<<20)
	d.Patience = orDefault(d.Patience, 10*time.Second)
	d.SpillBytes = orDefault(d.SpillBytes, 1<<30)
	if d.Secrets == nil {
		d.Secrets = log.Redact.Keys
	}
	switch {
	case d.Partitions < 1 || d.QueueEvents < 1 || d.Patience < 0:
		return d, fmt.Errorf("%w: Partitions, QueueEvents and Patience of DeadLetters must be positive", ErrInvalidConfig)
	case d.LetterBytes < log.Limits.FrameBytes || d.LetterBytes > spill.MaxRecord/2:
		return d, fmt.Errorf("%w: LetterBytes is %d, use %d to %d", ErrInvalidConfig, d.LetterBytes, log.Limits.FrameBytes, spill.MaxRecord/2)
	case d.QueueBytes < d.LetterBytes:
		return d, fmt.Errorf("%w: DeadLetters has QueueBytes %d, less than LetterBytes %d", ErrInvalidConfig, d.QueueBytes, d.LetterBytes)
	case d.SpillBytes < 2*int64(d.LetterBytes):
		return d, fmt.Errorf("%w: SpillBytes is %d, less than twice LetterBytes", ErrInvalidConfig, d.SpillBytes)
	case d.WhenSpillFull > spill.OldestOut:
		return d, fmt.Errorf("%w: WhenSpillFull is %d", ErrInvalidConfig, d.WhenSpillFull)
	case len(d.Brokers) == len(log.Brokers) && d.Topic == log.Topic && d.Brokers[0] == log.Brokers[0]:
		return d, fmt.Errorf("%w: the dead letters' topic is the log's, %s", ErrInvalidConfig, d.Topic)
	}
	return d, nil
}

// limits are what a letter's event may be: the log's, but for its size.
func (d DeadLetters) limits(log Limits) Limits {
	log.EventBytes, log.FrameBytes, log.AttributeBytes = d.LetterBytes, d.LetterBytes+frameHeader, d.LetterBytes
	return log
}
