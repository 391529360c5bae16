package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/traces"
)

// spec is the spec by which processes go, which the judge does not.
func (m mutation) spec(s *spec.Spec) *spec.Spec {
	other := *s
	if m.otherPolicy {
		other.GRPO.Staleness--
	}
	if m.noLimit {
		other.Limits.ShardsInFlight = 0
	}
	return &other
}

// log is the log that a process sees.
func (m mutation) log(w *world, p *process) traces.Log {
	if m.noClosing || m.noMarkCheck {
		return tampered{reader{w, p}, m}
	}
	return reader{w, p}
}

// tampered is a log without a part of what markers are for.
type tampered struct {
	reader
	mutation mutation
}

// Append writes a marker. Without closing markers it puts it where the log
// ended when the marker before it was written, so that ranges end before their
// rollouts have.
func (t tampered) Append(ctx context.Context, topic string, n int, value []byte) (offset int64, err error) {
	c := &call{by: t.by, kind: logAppend, label: "append early"}
	c.effect = func() {
		place := mark{topic, n, -1} // of the marker to come
		held := t.log.held[place]
		if p := &t.log.topics[topic][n]; t.mutation.noClosing && held != nil && held.Offset >= p.first && held.Offset < p.end() {
			offset = held.Offset
			p.records[offset-p.first].Value = bytes.Clone(value)
		} else if offset, err = t.log.append(topic, n, nil, value); err != nil {
			return
		}
		if t.mutation.noClosing {
			next, _ := t.log.append(topic, n, nil, nil)
			t.log.held[place] = &traces.Record{Offset: next}
		}
		t.log.held[mark{topic, n, offset}] = &traces.Record{Partition: n, Offset: offset, Value: value}
	}
	if gone := t.perform(ctx, c); gone != nil {
		return 0, gone
	}
	return offset, err
}

// Fetch shows whoever looks for a marker the one that was written there,
// whatever lies there now, if markers are not to be checked.
func (t tampered) Fetch(ctx context.Context, topic string, n int, offset int64, most int) (found []traces.Record, err error) {
	const marker = 4 << 10
	c := &call{by: t.by, kind: logRead, label: fmt.Sprintf("fetch %d from %d", n, offset)}
	c.effect = func() {
		found, err = t.log.fetch(topic, n, offset)
		if r := t.log.held[mark{topic, n, offset}]; t.mutation.noMarkCheck && most == marker && r != nil {
			found, err = []traces.Record{*r}, nil
		}
	}
	if gone := t.perform(ctx, c); gone != nil {
		return nil, gone
	}
	return found, err
}

// mark is a place of the log.
type mark struct {
	topic     string
	partition int
	offset    int64
}

// copied is the second record of an event: the same, unless that is what must
// not be known.
func (m mutation) copied(a *agents, frame []byte) []byte {
	if !m.noDuplicates {
		return frame
	}
	e, err := a.codec.Decode(frame)
	if err != nil {
		return frame
	}
	e.Time = e.Time.Add(time.Millisecond)
	if other, err := a.codec.Encode(e); err == nil {
		return other
	}
	return frame
}
