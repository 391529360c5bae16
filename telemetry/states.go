package telemetry

import (
	"context"
	"fmt"
	"math"

	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// State records a version of a state of the agent, its memory say, under a name.
// It is sent as the difference from the version before it, or whole where that
// does not do (package state has the rules). value is anything that
// encoding/json takes; it is read during the call alone, and what the sink's
// redactor knows as a secret is taken out first. Its own errors are
// state.ErrInvalid and state.ErrTooLarge.
func (t *Thread) State(ctx context.Context, name string, value any, attributes ...Attribute) error {
	if t.missing() {
		return fmt.Errorf("record state %s: %w", name, ErrNoThread)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return fmt.Errorf("record %s: %w", name, ErrEnded)
	}
	settings := t.sink.settings()
	w, err := t.states.writer(name, settings.states)
	if err != nil {
		return fmt.Errorf("record state %s: %w", name, err)
	}
	t.states.notice(t.sink.failures(&t.delivery))
	if document, err := settings.redact.Document(value); err == nil { // else Record refuses it, too
		value = document
	}
	err = w.Record(value, func(c state.Change) error { return t.admit(ctx, name, State(c), attributes) })
	if err != nil {
		return fmt.Errorf("record state %s: %w", name, err)
	}
	return nil
}

// States returns how the states of all threads were sent.
func (p *Producer) States() state.Counts { return p.stateCounters.Counts() }

// stateSettings is what the writers of a sink's states need.
type stateSettings struct {
	limits    state.Limits
	keyFrames int
	counters  *state.Counters
}

// states has the writers of a thread's states, by name. The thread's mutex
// guards it.
type states struct {
	writers map[string]*state.Writer
	failed  uint64 // events of the thread that were given up, when last looked
}

func (s *states) writer(name string, to stateSettings) (*state.Writer, error) {
	if w := s.writers[name]; w != nil {
		return w, nil
	}
	if len(s.writers) >= to.limits.Names {
		return nil, fmt.Errorf("%w: the thread has %d states already, as many as allowed", state.ErrTooLarge, to.limits.Names)
	}
	w, err := state.NewWriter(to.limits, to.keyFrames, to.counters)
	if err != nil {
		return nil, err
	}
	if s.writers == nil {
		s.writers = make(map[string]*state.Writer)
	}
	s.writers[name] = w
	return w, nil
}

// notice makes key frames of what comes next when events of the thread were
// given up since the last time.
func (s *states) notice(failed uint64) {
	if failed == s.failed {
		return
	}
	s.failed = failed
	for _, w := range s.writers {
		w.Lost()
	}
}

// failures is how many events of a thread were admitted and given up.
func (p *Producer) failures(d *delivery) uint64 {
	p.lock()
	defer p.mu.Unlock()
	return d.failed
}

// stateFromProto keeps what is out of range out of range: check refuses it.
func stateFromProto(m *telemetrypb.State) State {
	small := func(n int32) uint8 {
		if n < 0 || n > math.MaxUint8 {
			return math.MaxUint8
		}
		return uint8(n)
	}
	return State{
		Kind: state.Kind(small(int32(m.GetKind()))), Reason: state.Reason(small(int32(m.GetReason()))),
		Document: m.GetDocument(), SHA256: m.GetSha256(), Version: m.GetVersion(), Base: m.GetBase(),
	}
}
