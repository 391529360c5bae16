package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/telemetry/redact"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// Sink is where threads leave their events: a [Producer], or a [Memory] in the
// tests of an agent.
type Sink interface {
	admit(ctx context.Context, e Event, d *delivery) error
	flushDelivery(ctx context.Context, d *delivery) ([]Position, error)
	settings() settings
	// failures is how many events of a thread were admitted and given up.
	failures(d *delivery) uint64
}

// settings is what a thread does before an event is admitted.
type settings struct {
	now    func() time.Time
	redact redact.Redactor
	limits Limits
	states stateSettings
}

func (p *Producer) settings() settings {
	return settings{
		now: p.config.Now, redact: p.config.Redact, limits: p.config.Limits,
		states: stateSettings{p.config.Limits.State, p.config.KeyFrames, &p.stateCounters},
	}
}

// Memory keeps the events of threads in memory. It refuses what a producer with
// the default limits refuses. The zero value is ready, and safe for concurrent
// use.
type Memory struct {
	// Redact takes secrets out of events; the zero value knows the usual keys.
	Redact redact.Redactor
	// Now is the clock; nil is the system's.
	Now func() time.Time

	counters state.Counters

	mu     sync.Mutex // guards events
	events []Event
}

// Events returns what was recorded, in the order of admission. Their slices are
// those that were recorded.
func (m *Memory) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Event(nil), m.events...)
}

func (m *Memory) admit(_ context.Context, e Event, _ *delivery) error {
	if err := checkReward(e.Body); err != nil {
		return err
	}
	limits := DefaultLimits()
	if err := limits.check(&e); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
	return nil
}

// flushDelivery has nothing to wait for, and no positions.
func (m *Memory) flushDelivery(context.Context, *delivery) ([]Position, error) { return nil, nil }

func (m *Memory) settings() settings {
	now := m.Now
	if now == nil {
		now = time.Now
	}
	limits := DefaultLimits()
	return settings{now: now, redact: m.Redact, limits: limits, states: stateSettings{limits.State, defaultKeyFrames, &m.counters}}
}

// failures are none: what Memory admits it has.
func (m *Memory) failures(*delivery) uint64 { return 0 }
