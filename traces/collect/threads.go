package collect

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/cohort-rl/cohort/traces/threads"
)

// Found is a thread that was collected.
type Found struct {
	threads.Thread
	// Messages are what it was made of, in the order of frames and places, if
	// [Options] ask for them.
	Messages []threads.Message
	// More says that this is not the thread yet but some of its messages: it is
	// too large to be held whole. The others and the thread itself come next.
	More bool
}

// Threads hands over every thread, one by one, in the order of their ids. It is
// to be called once. An error ends it. What is not asked for any more is not
// made; nothing goes on when the loop has ended.
func (c *Collection) Threads(ctx context.Context) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		c.readings.finish()
		m := &making{c: c, tasks: make(chan *task, 2*c.options.AtOnce), room: semaphore.NewWeighted(c.window())}
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			defer close(m.tasks)
			return m.all(gctx)
		})
		err := m.deliver(yield)
		cancel()
		for range m.tasks { // The maker sees that ctx has ended.
		}
		if made := g.Wait(); err == nil {
			err = made
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(Found{}, err)
		}
		c.settle(m)
	}
}

// errStopped says that the loop was left.
var errStopped = errors.New("no more is asked for")

// window bounds the messages that are being made into threads.
func (c *Collection) window() int64 { return 2 * c.options.Thread }

// making hands over threads in the order in which they were begun.
type making struct {
	c     *Collection
	tasks chan *task
	room  *semaphore.Weighted
	spare chan *threads.Gathering

	// What was delivered.
	states map[threads.StateCount]int
	tally  threads.Tally
}

// task is some of what is handed over.
type task struct {
	bytes int64 // of room
	done  chan struct{}
	found []Found
	tally threads.Tally
	err   error
}

// deliver hands over what was made.
func (m *making) deliver(yield func(Found, error) bool) error {
	m.states = map[threads.StateCount]int{}
	whole := len(m.c.report.Unread) == 0 // Nobody reads any more.
	for t := range m.tasks {
		<-t.done
		if t.err != nil {
			return t.err
		}
		m.tally.Add(t.tally)
		for i := range t.found {
			f := &t.found[i]
			if !f.More {
				if !whole && (f.State == threads.Open || f.State == threads.Orphaned) {
					f.Detail = f.Reason + ": " + f.Detail
					f.State, f.Reason = threads.Open, "not everything was read"
				}
				m.states[threads.StateCount{State: f.State, Reason: f.Reason}]++
			}
			if !yield(*f, nil) {
				return errStopped
			}
		}
		m.room.Release(t.bytes)
	}
	return nil
}

// settle books what was delivered.
func (c *Collection) settle(m *making) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Tally.Add(m.tally)
	for s, n := range m.states {
		s.Threads = n
		c.report.Threads = append(c.report.Threads, s)
	}
	slices.SortFunc(c.report.Threads, func(a, b threads.StateCount) int {
		return cmp.Or(threads.Rank(a.State)-threads.Rank(b.State), b.Threads-a.Threads, cmp.Compare(a.Reason, b.Reason))
	})
}

// all makes every thread.
func (m *making) all(ctx context.Context) error {
	workers := runtime.GOMAXPROCS(0)
	m.spare = make(chan *threads.Gathering, workers+1)
	for range cap(m.spare) {
		g, err := threads.NewGathering(m.c.options.Rules)
		if err != nil {
			return err
		}
		m.spare <- g
	}
	pass, err := m.c.pass.merge(ctx)
	if err != nil {
		return err
	}
	frames, err := m.join(ctx, pass)
	if err != nil {
		return err
	}
	joined, err := m.c.joined.merge(ctx)
	if err != nil {
		return err
	}
	spans, err := joined.next()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for (frames != nil || spans != nil) && err == nil {
		// The thread of spans comes first if both have the same id.
		if spans != nil && (frames == nil || spans.key <= frames.key[1:]) {
			if err = m.thread(ctx, g, spans.key, spans, false); err == nil {
				spans, err = joined.next()
			}
			continue
		}
		if err = m.thread(ctx, g, frames.key[1:], frames, true); err == nil {
			frames, err = pass.next()
		}
	}
	return errors.Join(g.Wait(), err)
}

// thread makes a thread of a group.
func (m *making) thread(ctx context.Context, workers *errgroup.Group, id string, from *group, frames bool) error {
	if from.bytes > m.c.options.Thread {
		return m.large(ctx, id, from, frames)
	}
	t, err := m.begin(ctx, from.bytes)
	if err != nil {
		return err
	}
	all, err := from.load()
	if err != nil {
		close(t.done)
		return err
	}
	workers.Go(func() error {
		defer close(t.done)
		g := <-m.spare
		defer func() { m.spare <- g }()
		t.err = m.make(g, t, all)
		return nil
	})
	return nil
}

// begin reserves a place among what is handed over.
func (m *making) begin(ctx context.Context, bytes int64) (*task, error) {
	t := &task{bytes: min(bytes+1, m.c.window()), done: make(chan struct{})}
	if err := m.room.Acquire(ctx, t.bytes); err != nil {
		return nil, err
	}
	select {
	case m.tasks <- t:
		return t, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// make makes the thread of entries that are in order.
func (m *making) make(g *threads.Gathering, t *task, all []entry) error {
	g.Clear()
	for i := range all {
		if err := g.Take(m.message(&all[i])); err != nil {
			return err
		}
	}
	made, tally, _ := g.Threads()      // Without a thread, all was set aside.
	tally.Messages, tally.Bytes = 0, 0 // They were counted when they were read.
	t.tally = tally
	for _, one := range made {
		t.found = append(t.found, Found{Thread: one})
	}
	if m.c.options.Messages && len(t.found) > 0 {
		f := &t.found[0]
		f.Messages = make([]threads.Message, len(all))
		for i := range all {
			f.Messages[i] = m.message(&all[i])
		}
	}
	return nil
}

func (m *making) message(e *entry) threads.Message {
	return threads.Message{Place: threads.Place{Source: m.c.sources[e.source], Partition: int(e.partition), Offset: e.offset}, Body: e.body}
}
