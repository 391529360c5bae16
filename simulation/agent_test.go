package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
)

// agents is the model of the user's agents. They are not ours: they run on when
// the worker that asked them is dead. What one answers is a function of the
// task, the seed and the policy alone.
type agents struct {
	*world
	// breaks counts the connections that broke, by rollout.
	breaks map[string]int
	// working are the executions that are not finished.
	working []*execution
}

// features is the width of a candidate.
const features = 3

// grace is what an agent has beyond an attempt's deadline.
const grace = time.Second

// manner is how an agent goes about a rollout. It is a function of its seed.
type manner int

const (
	sound manner = iota
	refusing
	rewardless
	overstating // promises an event more than it sends
	idle        // decides nothing
	silent      // never answers
	modest      // does not say where its events lie
)

func (a *agents) manner(seed uint64, attempts int) manner {
	switch {
	case a.plan.modest:
		return modest
	case !a.plan.odd:
		return sound
	}
	m := []manner{
		refusing, rewardless, overstating, idle, silent, modest, modest,
		sound, sound, sound, sound, sound, sound, sound, sound, sound, sound, sound, sound, sound,
	}[numerics.NewStream(seed, 1).IntN(20)]
	if m == modest && attempts == 1 {
		return sound // else one loss of the log is its fate
	}
	return m
}

// execution is an agent at work on one attempt.
type execution struct {
	request  agent.Request
	name     string // of the rollout
	asked    string // by whom
	answer   agent.Answer
	err      error
	frames   [][]byte
	open     int // events that are not acknowledged
	last     map[int]int64
	finished bool
	manner   manner
}

// asked is an agent as a worker sees it.
type asked struct {
	*agents
	by   *process
	host *serve.Host
}

func (a asked) Healthy(context.Context) bool { return true }

func (a asked) Attempt(ctx context.Context, r agent.Request) (agent.Answer, error) {
	x := &execution{request: r, last: map[int]int64{}}
	def := a.whose(r.Thread)
	x.name = fmt.Sprintf("%s%s%d/%d/%d", def.ID, map[bool]string{true: " e", false: " "}[r.Greedy], r.Step, r.Group, r.Rollout)
	x.asked = a.by.name + fmt.Sprint(" ", ctx.Value(hand{}))
	x.manner = a.manner(r.Seed, def.Spec.Agent.Attempts)
	began := time.Now()
	if err := r.Check(); err != nil {
		return agent.Answer{}, err
	}
	ask := &call{by: a.by, kind: asks, label: "ask for " + x.name, fail: func(e error) { x.err = e }}
	ask.effect = func() { a.begin(x, a.host) }
	if gone := a.perform(ctx, ask); gone != nil {
		return agent.Answer{}, gone
	}
	if x.err != nil {
		return agent.Answer{}, x.err
	}
	var err error
	limit := time.Duration(r.DeadlineMS)*time.Millisecond + grace
	answer := &call{by: a.by, kind: answers, label: "answer of " + x.name, wake: began.Add(limit)}
	answer.ready = func() bool { return x.finished }
	answer.fail = func(e error) { err = e }
	answer.effect = func() {
		late := !time.Now().Before(began.Add(limit))
		if !x.finished || (late && a.choice.IntN(2) == 0) {
			err = agent.ErrTimedOut
		}
	}
	if gone := a.perform(ctx, answer); gone != nil {
		return agent.Answer{}, gone
	}
	if err != nil {
		return agent.Answer{}, err
	}
	return x.answer, x.err
}

// may says whether a connection may break: as often as the spec has attempts is
// a fate.
func (a *agents) may(label string) bool {
	a.breaks[label]++
	least := a.def.Spec.Agent.Attempts
	if a.beside != nil && a.beside.def.ID != "" {
		least = min(least, a.beside.def.Spec.Agent.Attempts)
	}
	return a.breaks[label] < least
}

// whose is the job of a thread.
func (a *agents) whose(thread string) *job.Definition {
	if a.beside != nil && strings.HasPrefix(thread, string(a.beside.def.ID)+"/") {
		return &a.beside.def
	}
	return &a.def
}

// begin makes the events of an attempt and sends them on their way.
func (a *agents) begin(x *execution, host *serve.Host) {
	p, ok := host.Get(blob.Digest(x.request.Policy.Digest))
	if !ok {
		x.err = fmt.Errorf("%w: the policy is not served", agent.ErrWeather)
		return
	}
	events, err := a.events(x, p)
	if err != nil {
		x.err = err
		return
	}
	for i, e := range events {
		frame, err := a.codec.Encode(telemetry.Event{Thread: x.request.Thread, Index: uint64(i), Time: time.Now(), Name: "reward", Body: e})
		if err != nil {
			x.err = err
			return
		}
		x.frames = append(x.frames, frame)
	}
	a.working = append(a.working, x)
	x.open = len(x.frames)
	x.answer.Events = uint64(x.open)
	if x.manner == overstating {
		x.answer.Events++
	}
	if x.open == 0 {
		a.end(x)
		return
	}
	if a.plan.burst {
		for i := range x.frames {
			a.send(x, i)
		}
		return
	}
	a.send(x, 0)
}

// events are what an attempt records.
func (a *agents) events(x *execution, p policy.Policy) ([]telemetry.Body, error) {
	var task struct{ Number uint64 }
	if err := json.Unmarshal(x.request.Task, &task); err != nil {
		return nil, err
	}
	world := numerics.NewStream(task.Number, 7)
	size := []float32{1, 1, 1e-4, 1e-8}[task.Number%4] // so that the order in which gradients are added tells
	bodies := []telemetry.Body{telemetry.Start{Task: fmt.Sprint(task.Number)}}
	decisions := 1 + world.IntN(2)
	if x.manner == idle {
		decisions = 0
	}
	reward := 0.0
	for n := range decisions {
		rows := make([]float32, features*(2+world.IntN(2)))
		for i := range rows {
			rows[i] = float32(world.IntN(16)) / 16 * size
		}
		c, err := policy.Decide(p, rows, x.request.Seed, uint32(n), x.request.Greedy)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, telemetry.Decision{
			Number: uint32(n), Policy: x.request.Policy.Digest, Width: features, Features: rows, Chosen: uint32(c.Chosen), LogProb: c.LogProb,
		})
		reward += float64(rows[features*c.Chosen]) + float64(c.Chosen)
	}
	if x.manner != rewardless {
		bodies = append(bodies, telemetry.Reward{Value: reward})
	}
	sent := uint64(len(bodies) + 1)
	if x.manner == overstating {
		sent++
	}
	return append(bodies, telemetry.End{Events: sent}), nil
}

// send lets one event be appended at some time from now on.
func (a *agents) send(x *execution, i int) {
	a.later(a.agent, fmt.Sprintf("event %d of %s for %s", i, x.name, x.asked), time.Time{}, func() { a.append(x, i) })
}

func (a *agents) append(x *execution, i int) {
	r := x.request
	if x.finished {
		return
	}
	n := (r.Group + r.Rollout) % r.Traces.Partitions
	if a.plan.spread {
		n = (n + i) % r.Traces.Partitions
	}
	offset, err := a.log.append(r.Traces.Topic, n, []byte(r.Thread), x.frames[i])
	if err != nil {
		x.err = fmt.Errorf("%w: %w", agent.ErrWeather, err)
		x.finished = true
		return
	}
	x.last[n] = max(x.last[n], offset)
	a.faults.sent(a, x, n, i)
	if x.open--; x.open == 0 {
		a.end(x)
	} else if !a.plan.burst {
		a.send(x, i+1)
	}
}

// lost tells the agents that a topic has lost records from offset on: the
// producer of one that goes on writing there notices, and it answers 503.
func (a *agents) lost(topic string, partition int, offset int64) {
	a.working = slices.DeleteFunc(a.working, func(x *execution) bool {
		if last, ok := x.last[partition]; ok && x.request.Traces.Topic == topic && last >= offset && !x.finished {
			x.err, x.finished = fmt.Errorf("%w: 503", agent.ErrWeather), true
		}
		return x.finished
	})
}

func (a *agents) end(x *execution) {
	if x.manner == silent {
		return
	}
	x.finished = true
	if x.manner == refusing {
		x.err = &agent.Failed{Status: 200, Failure: agent.Failure{Class: "refused", Message: "not today"}}
		return
	}
	if x.manner == modest {
		return
	}
	for n := range x.request.Traces.Partitions {
		if offset, ok := x.last[n]; ok {
			x.answer.Acknowledged = append(x.answer.Acknowledged, agent.Position{Partition: n, Offset: offset})
		}
	}
}
