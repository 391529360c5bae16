package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// Config is what drivers need. All fields but Hands, Observer and Spans are
// required.
type Config struct {
	Store blob.Bucket
	Queue Queue
	Log   traces.Log
	Clock clock.Clock
	// Nonce returns a fresh random id of at least 128 bits.
	Nonce  func() string
	Logger *slog.Logger
	// Name names this process in leases and records.
	Name string
	// TopicPrefix begins the names of the topics of this deployment.
	TopicPrefix string
	Codec       *telemetry.Codec
	// Poll is how often the store is asked for shards that no hint came for,
	// and for requests to cancel.
	Poll time.Duration
	// Hands says how many shards all workers together can have in hand; nil if
	// nobody knows.
	Hands func(ctx context.Context) (int, error)
	// Observer is told what the drivers do; it may be nil.
	Observer Observer
	// Opened is told by how many the training steps changed that are under way in
	// the jobs that this process drives; it may be nil.
	Opened func(change int)
	// Spans makes OpenTelemetry spans of what the drivers do; it may be nil.
	Spans *spans.Tracer

	shares *shares        // among the jobs of this process
	voice  *patient.Voice // of all of them about the store
}

// errStopped says that the driver ends although the job did not.
var errStopped = errors.New("driver stopped")

// driver drives one job until it has ended, or ctx has.
type driver struct {
	Config
	def      job.Definition
	store    *patient.Bucket
	events   chan job.Event
	tasks    sync.WaitGroup
	head     reporter
	queue    outage
	keeper   keeper
	controls controls
	spans    *spans.Drive
	mu       sync.Mutex // guards what follows
	began    *job.Begin // set before any effect that needs it
	abandon  map[job.Unit]context.CancelFunc
	entries  map[int]*job.Entry               // the first and the newest of the log; replaced, never changed
	damage   []job.Damage                     // what was found broken, the newest last
	means    map[blob.Digest]float64          // of the evaluations that have a whole result
	learners map[blob.Digest]*learner.Learner // the newest, by its manifest
}

// Drive drives a job to its end. It returns nil when the job has ended, the
// context's error when that ended first, and any other error when this process
// cannot drive the job; another may.
func Drive(ctx context.Context, c Config, def job.Definition) (err error) {
	begun := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errStopped)
	logger := c.Logger.With("job", string(def.ID))
	if c.voice == nil {
		c.voice = patient.NewVoice(c.Clock, logger)
	}
	d := &driver{
		Config:   c,
		def:      def,
		store:    patient.New(c.Store, c.Clock, c.voice),
		events:   make(chan job.Event),
		head:     reporter{turn: make(chan struct{}, 1)},
		abandon:  map[job.Unit]context.CancelFunc{},
		keeper:   keeper{turn: make(chan struct{}, 1)},
		controls: controls{read: make(chan struct{})},
	}
	d.Logger = logger
	if d.shares == nil {
		d.shares = newShares()
	}
	d.Observer = c.observer()
	d.spans = c.Spans.Drive(ctx, &d.def, c.Nonce)
	defer func() { d.spans.End(begun, err) }()
	defer d.tasks.Wait()
	defer cancel(errStopped)
	d.spawn(ctx, d.tick)
	d.spawn(ctx, d.watchControl)
	state, effects := job.NewState(def)
	open := 0
	defer func() { d.opened(&open, 0) }()
	for {
		d.opened(&open, state.OpenSteps())
		for _, effect := range effects {
			d.start(ctx, effect)
		}
		if state.Ended() {
			return nil
		}
		select {
		case event := <-d.events:
			if failed, ok := event.(job.EffectFailed); ok {
				d.Logger.Error("An effect cannot succeed.", "reason", failed.Reason)
				if state.Stuck() {
					return fmt.Errorf("drive job %s: %s", def.ID, failed.Reason)
				}
			}
			state, effects = state.Next(event)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// opened tells how many steps are under way now.
func (d *driver) opened(open *int, now int) {
	if d.Opened != nil && now != *open {
		d.Opened(now - *open)
	}
	*open = now
}

// spawn runs f beside the driver, which waits for it when it ends.
func (d *driver) spawn(ctx context.Context, f func(context.Context)) {
	d.tasks.Go(func() { f(ctx) })
}

// tell hands an event to the machine.
func (d *driver) tell(ctx context.Context, event job.Event) {
	select {
	case d.events <- event:
	case <-ctx.Done():
	}
}

// tick tells the machine for how long the job was driven while the store could
// be reached.
func (d *driver) tick(ctx context.Context) {
	const every = 250 * time.Millisecond
	var active time.Duration
	last := d.Clock.Now()
	for d.Clock.Sleep(ctx, every) == nil {
		now := d.Clock.Now()
		if !d.store.Outage() {
			active += now.Sub(last)
		}
		last = now
		d.tell(ctx, job.Tick{Active: active})
	}
}

// unitContext is the context of what is done for a unit: Abandon ends it.
func (d *driver) unitContext(ctx context.Context, u job.Unit) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel, ok := d.abandon[u]; ok {
		cancel()
	}
	ctx, d.abandon[u] = context.WithCancel(ctx)
	return ctx
}

func (d *driver) abandonUnit(u job.Unit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel, ok := d.abandon[u]; ok {
		cancel()
		delete(d.abandon, u)
	}
}
