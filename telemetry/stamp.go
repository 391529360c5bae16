package telemetry

import (
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
)

// encode stamps an event with the producer's clock and returns its frame, which
// may be in the memory and lacks its checksum, and what the clock's reading is
// since the producer's start. A
// caller that saw another call return gets the greater stamp; callers that are
// at it together get theirs in any order, which may not be that of the log.
func (p *Producer) encode(e *Event, memory []byte) (frame []byte, elapsed time.Duration, err error) {
	e.Clock, e.ClockFlags, elapsed = p.clock.Tick()
	frame, err = p.codec.encode(e, memory)
	return frame, elapsed, err
}

// Observe makes the events admitted from now on later, by their stamps, than an
// event of another producer: an agent that acts on one observes it first. The
// error hlc.ErrFarAhead says that the event's stamp is beyond ClockAhead and was
// not taken over; it is counted with the other anomalies.
func (p *Producer) Observe(e Event) error { return p.clock.Observe(e.Clock) }

// ClockAnomalies returns under which anomalies of the wall clock events were
// stamped.
func (p *Producer) ClockAnomalies() hlc.Counts { return p.clock.Anomalies() }
