package simulation_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/telemetry"
)

// kind is what a call is to the world; the faults that can befall it depend on it.
type kind int

const (
	sleeps kind = iota
	storeRead
	storeWrite
	queueCall
	queueTake
	logRead
	logAppend
	asks    // a worker asks an agent
	answers // an agent answers a worker
	sends   // an agent appends an event
	happens // something happens by itself
)

// A call waits until the scheduler picks it. Its effect is on the models, and
// only the scheduler runs effects, one at a time.
type call struct {
	by     *process
	kind   kind
	label  string
	key    string // of the object that it is about
	serial int
	from   time.Time   // it is not picked before
	ready  func() bool // nil: always
	wake   time.Time   // when it is picked although it is not ready
	effect func()
	fail   func(error) // makes the caller be told an error
	done   chan struct{}
	left   bool // nobody waits for it any more
}

// hand is the key under which a context knows in which of a worker's hands it
// is. Calls that one hand makes at once are alike to the world.
type hand struct{}

// errDead is what a process is told that does not live any more.
var errDead = errors.New("the process is dead")

// perform hands a call to the scheduler and waits until it was picked.
func (w *world) perform(ctx context.Context, c *call) error {
	c.done = make(chan struct{})
	if err := w.register(ctx, c); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		c.left, w.left = true, true
		return ctx.Err()
	}
}

func (w *world) register(ctx context.Context, c *call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || (c.by.process && c.by.dead) {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if h, ok := ctx.Value(hand{}).(string); ok {
		c.label = h + ": " + c.label
	}
	w.serial++
	c.serial = w.serial
	w.pending = append(w.pending, c)
	select {
	case w.registered <- struct{}{}:
	default:
	}
	return nil
}

// later makes something happen by itself.
func (w *world) later(by *process, label string, at time.Time, effect func()) {
	c := &call{by: by, kind: happens, label: label, from: at, effect: effect}
	if by.kind != 0 {
		c.kind = by.kind
	}
	_ = w.register(context.Background(), c)
}

// world is one run.
type world struct {
	plan    runPlan
	choice  *numerics.Stream // what is picked, and how long it takes
	luck    *numerics.Stream // what goes wrong
	history *history
	store   *store
	log     *log
	queue   *queueModel
	agents  *agents
	codec   *telemetry.Codec
	def     job.Definition
	beside  *world // what is a second job's own; nil without one
	faults  faults
	rots    int       // how many objects may still be damaged
	asked   int       // how often something was asked of the job
	lastAsk time.Time // when an agent was asked last

	looked int  // at the list of active jobs, after so many deletions
	gone   bool // from it

	nature *process // what happens by itself
	agent  *process // the agents, which never die

	processes []*process // those that live, by slot
	running   sync.WaitGroup

	registered chan struct{}
	picks      int

	mu      sync.Mutex // guards what follows
	pending []*call    // in no order
	serial  int
	left    bool // one of the calls has been left
	closed  bool

	runnable []*call // the scheduler's alone: what was left of the last pick
}

// maxPicks bounds a run: a job that is not at its end by then hangs.
const maxPicks = 60_000

// errHangs says that a job does not come to its end.
var errHangs = errors.New("the job hangs")

// run lets the world go on until over says that it is.
func (w *world) run(over func() bool) error {
	for {
		synctest.Wait()
		if over() {
			return nil
		}
		if w.picks++; w.picks > maxPicks {
			return errHangs
		}
		if w.picks%4 == 0 {
			w.pass(time.Duration(w.choice.IntN(8_000)) * time.Microsecond)
			synctest.Wait()
		}
		c, next := w.pick()
		if c == nil {
			if err := w.leap(next); err != nil {
				return err
			}
			continue
		}
		w.befall(c)
	}
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { <-time.After(d) }

// leap goes to the next time at which something can happen, or until somebody
// asks for something.
func (w *world) leap(next time.Time) error {
	const most = 10 * time.Minute
	d := most
	if !next.IsZero() {
		d = time.Until(next)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.registered:
	case <-timer.C:
		if next.IsZero() {
			return errors.New("nothing can happen any more")
		}
	}
	return nil
}

// pick takes one of the calls that can be picked; if there is none it returns
// when there will be one, as far as is known.
func (w *world) pick() (c *call, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandonLeft()
	select {
	case <-w.registered:
	default:
	}
	now := time.Now()
	w.queue.look(now)
	w.runnable = w.runnable[:0]
	for _, c := range w.pending {
		at, ok := c.at(now)
		if ok {
			w.runnable = append(w.runnable, c)
		} else if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(w.runnable) == 0 {
		return nil, next
	}
	slices.SortFunc(w.runnable, canonical)
	c = w.runnable[w.choice.IntN(len(w.runnable))]
	w.forget(c)
	return c, next
}

// canonical orders calls whatever the order in which they were registered: those
// that one process makes at once differ in the objects they ask for.
func canonical(a, b *call) int {
	return cmp.Or(cmp.Compare(a.by.name, b.by.name), cmp.Compare(a.label, b.label), cmp.Compare(a.key, b.key), cmp.Compare(a.serial, b.serial))
}

// what is what the call is to people.
func (c *call) what() string { return c.label + short(c.key) }

// at says whether the call can be picked now, and else when, if that is known.
func (c *call) at(now time.Time) (time.Time, bool) {
	from := c.from
	if c.by.stalled.After(from) {
		from = c.by.stalled
	}
	if now.Before(from) {
		return from, false
	}
	if c.ready == nil || c.ready() {
		return now, true
	}
	return c.wake, !c.wake.IsZero() && !now.Before(c.wake)
}

func (w *world) forget(c *call) {
	at, last := slices.Index(w.pending, c), len(w.pending)-1
	w.pending[at], w.pending[last] = w.pending[last], nil
	w.pending = w.pending[:last]
}

// abandonLeft decides what becomes of the requests whose callers are gone: a
// write may be on its way and arrive later, or never.
func (w *world) abandonLeft() {
	if !w.left {
		return
	}
	w.left = false
	var left []*call
	w.pending = slices.DeleteFunc(w.pending, func(c *call) bool {
		if c.left {
			left = append(left, c)
		}
		return c.left
	})
	slices.SortFunc(left, canonical)
	for _, c := range left {
		if (c.kind != storeWrite && c.kind != logAppend) || w.plan.faults == 0 || w.luck.IntN(2) == 0 {
			continue
		}
		w.faults.count("late write of a caller that is gone")
		w.serial++
		w.pending = append(w.pending, &call{
			by: w.nature, kind: happens, label: c.what() + " of " + c.by.name + ", which is gone",
			serial: w.serial, from: w.soon(10 * time.Second), effect: c.effect,
		})
	}
}

// soon is some time from now, at most d.
func (w *world) soon(d time.Duration) time.Time {
	return time.Now().Add(time.Duration(w.luck.IntN(int(d))))
}

// finish performs the effect of a call and releases its caller.
func (w *world) finish(c *call, outcome string) {
	w.history.put(line{by: c.by.name, what: c.label, key: c.key, came: outcome})
	if c.kind == asks {
		w.lastAsk = time.Now()
	}
	c.effect()
	w.release(c)
}

func (w *world) release(c *call) {
	if c.done != nil {
		close(c.done)
	}
}
