package simulation_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// A process is one life of a coordinator or a worker; nature and the agents are
// no processes of ours and never die.
type process struct {
	name    string
	slot    int
	life    int
	process bool
	kind    kind // of what happens by itself, for the agents
	ctx     context.Context
	cancel  context.CancelFunc
	skew    time.Duration // of its clock on the wall
	nonces  atomic.Int64

	dead    bool      // guarded by world.mu
	diedAt  time.Time // the scheduler's alone, like what follows
	stalled time.Time // it stands still until then
	since   time.Time // when it began to stand still
	cut     string    // the service that it does not reach
	whole   time.Time // when it reaches it again
}

// start begins a life of a slot.
func (w *world) start(slot, life int) {
	role, work := w.role(slot)
	p := &process{name: role + "." + strconv.Itoa(life), slot: slot, life: life, process: true}
	p.skew = time.Duration(w.luck.IntN(2000)-1000) * time.Millisecond
	p.ctx, p.cancel = context.WithCancel(context.Background())
	w.processes[slot] = p
	w.running.Go(func() { work(p) })
	p.nonces.Store(0)
}

// kill ends a life; the slot begins another one later.
func (w *world) kill(p *process) {
	if !w.end(p) {
		return
	}

	w.later(w.nature, "start of the successor of "+p.name, w.soon(3*time.Second), func() { w.start(p.slot, p.life+1) })
}

// end makes every later call of the process fail, and its pending ones.
func (w *world) end(p *process) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return false
	}
	p.dead, p.diedAt = true, time.Now()
	p.cancel()
	return true
}

// stall makes a process stand still.
func (w *world) stall(p *process, d time.Duration) {
	p.since, p.stalled = time.Now(), time.Now().Add(d)
}

// alive says whether the queue sees signs of life of the process: it sees them
// for three seconds after the last.
func (p *process) alive(now time.Time) bool {
	const shown = 3 * time.Second
	if p.dead {
		return now.Sub(p.diedAt) < shown
	}
	return !now.Before(p.stalled) || now.Sub(p.since) < shown
}

// nonce is fresh, unless the run's mutation takes that away.
func (w *world) nonce(p *process) func() string {
	return func() string {
		if w.plan.mutation.constantNonce {
			return "nonce"
		}
		return p.name + "-" + strconv.FormatInt(p.nonces.Add(1), 10)
	}
}

// clock is the clock of a process.
type clock struct {
	*world
	by *process
}

// Now is as that of a machine: what the clock on the wall shows, which may jump,
// and beside it how long the machine runs, which Sub goes by.
func (c clock) Now() time.Time {
	return withElapsed(time.Now().Add(c.by.skew), time.Since(c.history.began))
}

// withElapsed gives a time without a monotonic reading the given one. Package
// time has no way to say that, and a bubble's times have none.
func withElapsed(wall time.Time, elapsed time.Duration) time.Time {
	const (
		reading = 1 << 63
		from    = 2_682_288_000 // seconds from 1885 to 1970, where such a time counts from
	)
	t := struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}{reading | uint64(wall.Unix()+from)<<30 | uint64(wall.Nanosecond()), int64(1 + elapsed), nil} //nolint:gosec // times after 1885
	return *(*time.Time)(unsafe.Pointer(&t)) //nolint:gosec // said above; a test holds it
}

func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.perform(ctx, &call{by: c.by, kind: sleeps, label: "sleep " + d.String(), from: time.Now().Add(d), effect: func() {}})
}
