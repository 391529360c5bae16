package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/worker"
)

// runPlan is what a run is a function of.
type runPlan struct {
	seed      uint64
	variation int
	faults    int
	cancel    bool
	odd       bool          // some agents misbehave
	modest    bool          // no agent says where its events lie; what the log loses, it loses from its start
	burst     bool          // agents send all events at once
	spread    bool          // a thread's events lie in all partitions
	everybody bool          // the lease is everybody's: it only saves work
	gradients int           // groups of a gradient shard; 0: the drivers compute the updates alone
	rot       bool          // objects of the job are damaged
	keep      int           // how many checkpoints are kept; 0: all
	steps     int           // of the job; 0: those of the variation
	pauses    int           // how often the job stands still for a while
	deadline  time.Duration // of each phase; 0: those of the variation
	start     string        // the checkpoint to continue
	beside    int           // 1 + the variation of a second job; 0: there is none
	second    bool          // it is that one
	mutation  mutation
}

// planOf derives a run from its seed.
func planOf(seed uint64) runPlan {
	s := numerics.NewStream(seed, 3)
	p := runPlan{
		seed: seed, variation: s.IntN(len(variations())), faults: 1 + s.IntN(60),
		cancel: s.IntN(8) == 0, odd: s.IntN(2) == 0, burst: s.IntN(2) == 0, spread: s.IntN(3) == 0, everybody: s.IntN(4) == 0,
	}
	p.modest = !p.odd && s.IntN(4) == 0
	p.gradients = []int{0, 1, 1, 2}[s.IntN(4)]
	p.pauses = []int{0, 0, 1, 3}[s.IntN(4)]
	if s.IntN(4) == 0 {
		p.beside = 1 + s.IntN(len(variations()))
	}
	if s.IntN(4) == 0 {
		p.keep, p.steps = 1+s.IntN(3), 4
	}
	p.rot = s.IntN(5) == 0 && !p.cancel
	return p
}

// undisturbed is the run that p must come out like: of another job id, without
// faults and without gradient shards.
func (p runPlan) undisturbed() runPlan {
	return runPlan{seed: 1 << 40, variation: p.variation, odd: p.odd, steps: p.steps}
}

// id is that of the run's job, which must not matter.
func (p runPlan) id() job.ID {
	name := "job-"
	if p.second {
		name = "other-"
	}
	return job.ID(name + strconv.FormatUint(p.seed, 10))
}

const (
	coordinators = 2
	workers      = 3
	hands        = 2 // tasks that a worker does at once
)

// newWorld makes the world of a run. It must be called in a bubble.
func newWorld(p runPlan, codec *telemetry.Codec) *world {
	w := &world{
		plan: p, choice: numerics.NewStream(p.seed, 1), luck: numerics.NewStream(p.seed, 2),
		history: &history{began: time.Now(), lines: make([]line, 0, 2500)},
		store:   &store{Bucket: mem.New(), mutation: p.mutation, staleness: map[job.ID]int{}, limits: map[job.ID]int{}, damages: map[string]damage{}},
		queue:   newQueue(p.mutation), codec: codec,
		nature: &process{name: "nature"}, agent: &process{name: "agent", kind: sends},
		processes:  make([]*process, coordinators+workers),
		registered: make(chan struct{}, 1),
	}
	w.faults = faults{left: p.faults, kills: 8, stalls: 5, losses: 2, cuts: 4, every: 15 + w.luck.IntN(60), counted: map[string]int{}}
	if p.rot {
		w.rots = 1 + w.luck.IntN(4)
	}
	w.log = &log{topics: map[string][]partition{}, held: map[mark]*traces.Record{}, luck: w.choice}
	w.agents = &agents{world: w, breaks: map[string]int{}}
	if p.beside > 0 {
		w.beside = &world{
			plan:  runPlan{seed: p.seed, variation: p.beside - 1, odd: p.odd, gradients: p.gradients, second: true, mutation: p.mutation},
			store: w.store, log: w.log, history: w.history, faults: faults{counted: map[string]int{}},
		}
	}
	return w
}

// live runs a job to its end, and lets the dead and the slow go on for a while.
func (w *world) live() error {
	if err := w.submit(); err != nil {
		return err
	}
	for slot := range w.processes {
		w.start(slot, 1)
	}
	cancelAt := -1
	if w.plan.cancel {
		cancelAt = w.luck.IntN(1200)
	}
	asks := w.newPauses()
	linger := 20 + w.luck.IntN(100) // picks, for the slow and the dead
	besideAt := w.luck.IntN(600)
	err := w.run(func() bool {
		if w.picks == cancelAt {
			w.ask(job.ActionCancel)
		}
		asks.pass()
		if b := w.beside; b != nil && b.def.ID == "" && (w.picks >= besideAt || w.retired()) {
			if err := b.submit(); err != nil {
				panic(err)
			}
			w.history.add("person", "submit "+string(b.def.ID), "")
		}
		if w.rots > 0 && w.picks > 40 && w.luck.IntN(150) == 0 && !w.retired() {
			w.rot()
		}
		if w.picks%64 == 0 {
			w.queue.recover(time.Now())
		}
		if linger > 0 && w.retired() && (w.beside == nil || w.beside.def.ID != "" && w.beside.retired()) {
			linger--
		}
		return linger == 0 && !w.driven()
	})
	w.close()
	return err
}

// driven says whether a coordinator still drives the job: nobody may do so for
// ever after the end.
func (w *world) driven() bool {
	const tick = "sleep 250ms" // of a driver's clock
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.pending, func(c *call) bool { return c.by.process && !c.left && c.label == tick })
}

// close ends everybody.
func (w *world) close() {
	synctest.Wait()
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	for _, p := range w.processes {
		w.end(p)
	}
	w.running.Wait()
}

// role is what the processes of a slot do.
func (w *world) role(slot int) (name string, work func(*process)) {
	if slot < coordinators {
		return "coordinator-" + strconv.Itoa(slot+1), w.coordinate
	}
	return "worker-" + strconv.Itoa(slot-coordinators+1), w.work
}

func (w *world) logger(p *process) *slog.Logger {
	return slog.New(said{Handler: slog.DiscardHandler, history: w.history, by: p.name})
}

func (w *world) coordinate(p *process) {
	s := coordinator.NewSupervisor(coordinator.Config{
		Store: bucket{w, p}, Queue: client{w, p}, Log: w.plan.mutation.log(w, p), Clock: clock{w, p},
		Nonce: w.nonce(p), Logger: w.logger(p), Name: p.name, TopicPrefix: "t-", Codec: w.codec,
		Poll: 500 * time.Millisecond,
	}, time.Second, 3*time.Second)
	if err := s.Run(p.ctx); p.ctx.Err() == nil {
		panic(fmt.Sprintf("%s ended: %v", p.name, err))
	}
}

func (w *world) work(p *process) {
	host := serve.NewHost(64)
	wk := worker.New(worker.Config{
		Store: bucket{w, p}, Log: w.plan.mutation.log(w, p), Codec: w.codec, Reports: client{w, p},
		Policies: serve.Site{Host: host, Base: "http://" + p.name},
		Agents:   func(*job.Definition) (worker.Agent, error) { return asked{w.agents, p, host}, nil },
		Brokers:  []string{"127.0.0.1:1"}, Clock: clock{w, p}, Nonce: w.nonce(p), Logger: w.logger(p), Name: p.name,
	})
	var all sync.WaitGroup
	all.Go(func() { wk.Pulse(p.ctx) })
	for n := range hands {
		ctx := context.WithValue(p.ctx, hand{}, "hand "+strconv.Itoa(n+1))
		all.Go(func() { w.serve(ctx, p, wk) })
	}
	all.Wait()
}

// serve takes tasks and does them, one at a time.
func (w *world) serve(ctx context.Context, p *process, wk *worker.Worker) {
	q := client{w, p}
	for ctx.Err() == nil {
		task, n, err := q.take(ctx)
		if err != nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, task.Timeout)
		failed := wk.Handle(limited, task)
		cancel()
		for range 10 { // as asynq does
			if err := q.call(ctx, "hand back "+task.ID(), func() { q.queue.handBack(task.ID(), n, failed, time.Now()) }); !errors.Is(err, errRedis) {
				break
			}
		}
	}
}
