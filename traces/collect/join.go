package collect

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/threads"
)

// join puts the traces of each thread together, up to the first group of frames,
// which it returns.
func (m *making) join(ctx context.Context, pass *merge) (*group, error) {
	g := <-m.spare
	defer func() { m.spare <- g }()
	lane := m.c.joined.lane()
	defer lane.done()
	for {
		from, err := pass.next()
		if err != nil || from == nil || from.key[0] == frameKind {
			return from, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if from.key[0] == strayKind {
			err = m.stray(ctx, g, from)
		} else {
			err = m.trace(g, lane, from)
		}
		if err != nil {
			return nil, err
		}
	}
}

// stray counts a log record that belongs to no trace, once.
func (m *making) stray(ctx context.Context, g *threads.Gathering, from *group) error {
	g.Clear()
	err := from.each(func(e *entry) error { return g.Take(m.message(e)) })
	if err != nil {
		return err
	}
	t, err := m.begin(ctx, 0)
	if err != nil {
		return err
	}
	defer close(t.done)
	_, t.tally, _ = g.Threads() // There is none.
	t.tally.Messages, t.tally.Bytes = 0, 0
	return nil
}

// trace gives what there is of a trace to its thread.
func (m *making) trace(g *threads.Gathering, lane *lane, from *group) error {
	var id otlp.TraceID
	copy(id[:], from.key[1:])
	g.Clear()
	if from.bytes > m.c.options.Thread {
		// Too large to be looked into, so it is a thread of its own.
		return from.each(func(e *entry) error { return lane.add(id.String(), *e) })
	}
	all, err := from.load()
	if err != nil {
		return err
	}
	for i := range all {
		if err := g.Take(m.message(&all[i])); err != nil {
			return err
		}
	}
	name := g.Name(id)
	for i := range all {
		if err := lane.add(name, all[i]); err != nil {
			return err
		}
	}
	return nil
}

// partBytes is how many bytes of a large thread are handed over at a time.
const partBytes = 8 << 20

// large makes a thread that cannot be held whole.
func (m *making) large(ctx context.Context, id string, from *group, frames bool) error {
	g := <-m.spare
	defer func() { m.spare <- g }()
	g.Clear()
	long := g.Long(id, m.c.options.Events)
	var held []threads.Message
	size := int64(0)
	err := from.each(func(e *entry) error {
		message := m.message(e)
		if frames {
			long.Take(message)
		}
		if !m.c.options.Messages {
			return nil
		}
		message.Body = append([]byte(nil), message.Body...)
		held, size = append(held, message), size+int64(len(message.Body))
		if size < partBytes {
			return nil
		}
		t, err := m.begin(ctx, size)
		if err != nil {
			return err
		}
		t.found = []Found{{Thread: threads.Thread{ID: id}, Messages: held, More: true}}
		close(t.done)
		held, size = nil, 0
		return nil
	})
	if err != nil {
		return err
	}
	t, err := m.begin(ctx, size)
	if err != nil {
		return err
	}
	defer close(t.done)
	thread, ok := long.Thread()
	if !frames {
		ok = true
		thread = threads.Thread{
			ID: id, From: "too large", State: threads.Corrupt, Reason: "too large",
			Detail: fmt.Sprintf("%d messages of %d bytes together, at most %d bytes are held", from.entries, from.bytes, m.c.options.Thread),
		}
	}
	if ok {
		t.found = []Found{{Thread: thread, Messages: held}}
	}
	_, t.tally, _ = g.Threads() // What was set aside.
	return nil
}
