package telemetry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry/hlc"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// Producer brings events into a Kafka topic. It keeps one order per partition:
// one request is in flight for a partition at a time and is tried until it is
// acknowledged or its events are out of budget. It is safe for concurrent use.
//
// An answer that was lost makes the next try a duplicate in the log; readers
// drop it by the sequence ([Watermarks]). Events that are given up leave a
// [Tombstone] in their place, so that no hole is left in silence, and go to the
// dead letters, if there are any ([DeadLetters]).
type Producer struct {
	config Config
	codec  *Codec
	clock  *hlc.Clock

	stateCounters state.Counters
	connections   *connections
	transport     *kafka.Transport
	abort         context.CancelFunc // ends the requests under way
	letters       *sender            // of dead letters; nil for none
	wake          chan struct{}      // says that there may be something to send
	looking       chan struct{}      // held by whoever looks up the partitions
	done          chan struct{}      // closed when run and its requests have ended
	memory        sync.Pool          // of *[]byte, for requests
	slabs         sync.Pool          // of *slab, for frames

	// What an admission reads stands together, away from what run writes.
	_          [64]byte
	started    time.Time
	head       letterhead
	located    atomic.Bool  // the partitions are known
	asleep     atomic.Bool  // run does not look for work by itself within a linger
	partitions []*partition // mu guards them until they are located; not changed then
	numbers    []int        // of the partitions, for the balancer; likewise
	_          [64]byte
	room       room // what the queue holds; given back under mu alone

	mu           sync.Mutex // guards what follows
	active       time.Time  // when run last found some
	accounts     Accounts
	own          int       // final records and tombstones that are queued
	waiting      []waiting // for the dead letters, oldest first; Queued counts them
	ended        uint64    // how many of them had their end
	left         []waiting // tombstones and final records for the spill file, in no account
	waitingBytes int
	changed      chan struct{} // closed at the next change that someone waits for
	closing      bool          // nothing is admitted any more
	dead         bool          // what is in flight was given up
	unreported   uint64        // events given up that no Flush has reported
	cause        error         // of the last try that failed
}

// NewProducer starts a producer. It does not touch the network: the first
// Admit looks up the topic's partitions, whose number it then takes as fixed.
// Only what an earlier producer left in the spill file is sent at once. The
// caller must Close it.
func NewProducer(config Config) (*Producer, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	codec, err := NewCodec(config.Limits, config.Compression)
	if err != nil {
		return nil, err
	}
	started := config.Now()
	life, abort := context.WithCancel(context.Background())
	p := &Producer{
		config:      config,
		codec:       codec,
		started:     started,
		clock:       hlc.New(hlc.Config{Read: hlc.ReadSince(started, config.Now), Ahead: config.ClockAhead, Log: config.Log}),
		connections: newConnections(),
		abort:       abort,
		head:        newLetterhead(config.origin(Trace{})),
		memory:      sync.Pool{New: func() any { return new([]byte) }},
		wake:        make(chan struct{}, 1),
		looking:     make(chan struct{}, 1),
		done:        make(chan struct{}),
	}
	p.transport = &kafka.Transport{
		Dial:           p.connections.dial,
		MetadataTTL:    metadataTTL,
		MetadataTopics: []string{config.Topic},
		ClientID:       "cohort-telemetry",
		TLS:            config.TLS,
		SASL:           config.SASL,
		Context:        life,
	}
	if config.DeadLetters != nil {
		if p.letters, err = newSender(life, p, *config.DeadLetters); err != nil {
			abort()
			return nil, err
		}
		go p.letters.run(life)
	}
	go p.run(life)
	return p, nil
}

// metadataTTL bounds how long a moved partition or a new topic goes unnoticed.
const metadataTTL = time.Second

// Instance returns the id under which this producer counts its sequences.
func (p *Producer) Instance() string { return p.config.Instance }

// Accounts returns the accounts of this moment.
func (p *Producer) Accounts() Accounts {
	p.lock()
	defer p.mu.Unlock()
	return p.accounts
}

// signal makes run look for work. It never blocks.
func (p *Producer) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// waitChange returns a channel that is closed at the next settlement or at
// the beginning of Close. The caller holds mu.
func (p *Producer) waitChange() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// announce wakes those who wait for a change. The caller holds mu.
func (p *Producer) announce() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}
