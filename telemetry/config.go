package telemetry

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/telemetry/redact"
)

// ErrInvalidConfig says that a Config field has no usable value.
var ErrInvalidConfig = errors.New("invalid telemetry configuration")

// Full says what Admit does when the queue is full.
type Full uint8

// What Admit does when the queue is full.
const (
	// Block waits for room until the caller's context ends.
	Block Full = 0
	// Drop refuses the event at once with ErrDropped and counts it.
	Drop Full = 1
)

// Config is what a Producer needs. Brokers and Topic are required; every other
// field has a default for its zero value.
type Config struct {
	// Brokers are addresses, host:port, to find the cluster by.
	Brokers []string
	// Topic must exist: a producer creates none.
	Topic string
	// TLS and SASL secure the connections; nil leaves them plain.
	TLS  *tls.Config
	SASL sasl.Mechanism

	// Tenant is sent with every message.
	Tenant string
	// Redact takes secrets out of what threads record; the zero value knows the
	// usual keys.
	Redact redact.Redactor
	// Limits bounds events; readers of the topic need the same.
	Limits Limits
	// Compression of frames.
	Compression Compression
	// Balancer chooses a message's partition by its key, the thread's id;
	// the default is that of Java's client, Murmur2.
	Balancer kafka.Balancer

	// Limiter is asked about every event; what it refuses is not admitted. Nil
	// lets everything through.
	Limiter Limiter
	// DeadLetters says what becomes of events that the log does not take. With
	// nil they have failed.
	DeadLetters *DeadLetters

	// QueueEvents and QueueBytes bound the queue: 65,536 and 64 MiB. The program
	// needs more than that while the queue is full: see [Config.MemoryLimit].
	QueueEvents int
	QueueBytes  int
	// WhenFull says what Admit does then: Block.
	WhenFull Full

	// Linger is how long an event may wait for company when nobody waits for
	// it: 1 ms; a negative one is none.
	Linger time.Duration
	// BatchEvents and BatchBytes bound what one partition gets in a request:
	// 4,096 and 1,000,000, below what a broker accepts unless told otherwise.
	BatchEvents, BatchBytes int
	// RequestTimeout bounds one request: 10 s.
	RequestTimeout time.Duration
	// Budget is how long after its admission an event is tried: 2 min.
	Budget time.Duration

	// KeyFrames says how often a state is sent whole at least: every 32 versions.
	KeyFrames int

	// Instance is the producer instance: 128 random bits in hexadecimal, drawn
	// for every start. Empty draws them.
	Instance string
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// ClockAhead is how far the stamp of an event may be ahead of the wall clock
	// before it is an anomaly: 1 min.
	ClockAhead time.Duration
	// Log gets a warning for each kind of clock anomaly, at most one a minute, and
	// for damaged records in a spill file; nil is slog's default.
	Log *slog.Logger
}

// defaultKeyFrames is how often a state is sent whole at least.
const defaultKeyFrames = 32

// overhead is what a queued event costs beyond its bytes.
const overhead = 256

// complete returns the configuration with its defaults, or what is wrong.
func (c Config) complete() (Config, error) {
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	if err := c.Limits.Validate(); err != nil {
		return c, err
	}
	c.QueueEvents = orDefault(c.QueueEvents, 1<<16)
	c.QueueBytes = orDefault(c.QueueBytes, defaultQueueBytes)
	c.BatchEvents = orDefault(c.BatchEvents, 4096)
	c.BatchBytes = orDefault(c.BatchBytes, 1_000_000)
	c.Linger = max(orDefault(c.Linger, time.Millisecond), 0)
	c.RequestTimeout = orDefault(c.RequestTimeout, 10*time.Second)
	c.Budget = orDefault(c.Budget, 2*time.Minute)
	c.KeyFrames = orDefault(c.KeyFrames, defaultKeyFrames)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Instance == "" {
		var id [instanceBytes]byte
		if _, err := rand.Read(id[:]); err != nil {
			return c, fmt.Errorf("draw producer instance: %w", err)
		}
		c.Instance = hex.EncodeToString(id[:])
	}
	if err := c.validate(); err != nil || c.DeadLetters == nil {
		return c, err
	}
	letters, err := c.DeadLetters.complete(c)
	c.DeadLetters = &letters
	return c, err
}

func (c Config) validate() error {
	largest := c.Limits.FrameBytes + c.Limits.HeaderBytes + c.Limits.NameBytes + overhead
	switch {
	case len(c.Brokers) == 0:
		return fmt.Errorf("%w: Brokers is empty, give host:port of at least one", ErrInvalidConfig)
	case c.Topic == "":
		return fmt.Errorf("%w: Topic is empty", ErrInvalidConfig)
	case c.QueueEvents < 1 || c.BatchEvents < 1 || c.BatchBytes < 1:
		return fmt.Errorf("%w: QueueEvents, BatchEvents and BatchBytes must be positive", ErrInvalidConfig)
	case c.QueueEvents > maxRoomEvents || c.QueueBytes > maxRoomBytes:
		return fmt.Errorf("%w: QueueEvents and QueueBytes are %d and %d, allowed are up to %d and %d", ErrInvalidConfig, c.QueueEvents, c.QueueBytes, maxRoomEvents, maxRoomBytes)
	case c.QueueBytes < largest:
		return fmt.Errorf("%w: QueueBytes is %d, less than the largest message of %d", ErrInvalidConfig, c.QueueBytes, largest)
	case c.RequestTimeout < time.Millisecond || c.Budget < 0:
		return fmt.Errorf("%w: RequestTimeout and Budget must be positive", ErrInvalidConfig)
	case c.KeyFrames < 1:
		return fmt.Errorf("%w: KeyFrames is %d", ErrInvalidConfig, c.KeyFrames)
	case c.WhenFull > Drop:
		return fmt.Errorf("%w: WhenFull is %d", ErrInvalidConfig, c.WhenFull)
	case c.origin(Trace{}).headerBytes() > c.Limits.HeaderBytes:
		return fmt.Errorf("%w: Tenant leaves no room in HeaderBytes", ErrInvalidConfig)
	}
	if err := checkInstance(c.Instance); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
	}
	return nil
}

// origin returns what every message of the producer says of itself.
func (c Config) origin(trace Trace) Origin {
	return Origin{Trace: trace, Tenant: c.Tenant, Producer: c.Instance, Schema: Schema, ContentType: ContentType}
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
