package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry/redact"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

// waiting is an event on its way to the dead letters. The producer's mu guards
// the list of them.
type waiting struct {
	item
	partition int // -1 when it was refused at the door
	class     Class
	cause     error
	died      time.Time
}

// sender brings a producer's dead letters to their topic or to the spill file,
// and what was spilled back to where it belongs. One goroutine does all of it.
type sender struct {
	producer    *Producer
	config      DeadLetters
	codec       *Codec
	redactor    redactor
	connections *connections
	letters     *kafka.Transport // to the dead letters' topic
	log         *kafka.Transport // to the log, for replays
	spill       *spill.File      // nil for none
	wake        chan struct{}
	recovered   atomic.Bool // the log took something again
	done        chan struct{}

	// What follows is run's own.
	batch      []DeadLetter // made of the first of the waiting, until they have an end
	most       int          // letters of a batch; halved when the topic finds it too large
	partitions int          // of the topic; 0 while unknown
	topic      backoff
	disk       backoff
	replay     replay
}

// Bounds of a batch of letters, and of a request to a topic that fails.
const (
	letterEvents = 512
	letterBytes  = 512 << 10
	probeTimeout = 2 * time.Second
)

// newSender opens the spill file and makes the connections, without dialling.
// Their requests end with life.
func newSender(life context.Context, p *Producer, config DeadLetters) (*sender, error) {
	codec, err := NewCodec(config.limits(p.config.Limits), p.config.Compression)
	if err != nil {
		return nil, err
	}
	s := &sender{
		producer: p, config: config, codec: codec, connections: newConnections(), most: letterEvents,
		redactor: redactor{redact.Redactor{Keys: config.Secrets, Patterns: p.config.Redact.Patterns}},
		wake:     make(chan struct{}, 1), done: make(chan struct{}),
		topic:  backoff{first: 100 * time.Millisecond, last: 5 * time.Second},
		disk:   backoff{first: 50 * time.Millisecond, last: time.Second},
		replay: replay{pause: backoff{first: 500 * time.Millisecond}},
	}
	if config.Spill != "" {
		var found spill.Found
		s.spill, found, err = spill.Open(spill.Config{Path: config.Spill, MaxBytes: config.SpillBytes, WhenFull: config.WhenSpillFull})
		if err != nil {
			return nil, err
		}
		if found.Damaged > 0 {
			p.config.Log.Warn("The spill file has damaged records: the events of an earlier producer in them are lost.",
				"file", config.Spill, "damaged", found.Damaged, "whole", found.Records)
		}
		s.replay.next = s.spill.Start()
	}
	s.letters = &kafka.Transport{
		Dial: s.connections.dial, MetadataTTL: metadataTTL, MetadataTopics: []string{config.Topic},
		ClientID: "cohort-dead-letters", TLS: config.TLS, SASL: config.SASL, Context: life,
	}
	s.log = &kafka.Transport{
		Dial: s.connections.dial, MetadataTTL: metadataTTL,
		ClientID: "cohort-replay", TLS: p.config.TLS, SASL: p.config.SASL, Context: life,
	}
	return s, nil
}

// signal makes run look for work. It never blocks.
func (s *sender) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run works until life ends. What waits then is left to Close.
func (s *sender) run(life context.Context) {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for life.Err() == nil {
		timer.Reset(min(s.deliver(life), s.goBack(life)))
		select {
		case <-s.wake:
		case <-timer.C:
		case <-life.Done():
		}
	}
}
