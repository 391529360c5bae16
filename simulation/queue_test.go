package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/queue"
)

// errRedis is what a queue answers that does not answer.
var errRedis = errors.New("redis does not answer")

// queueModel is the model of asynq on Redis: at least once, in any order, and
// it may lose everything.
type queueModel struct {
	tasks    map[string]*queued
	leases   map[job.ID]held
	counted  map[string]map[string]bool
	reached  map[string]bool
	mutation mutation
	offered  bool // something, at the last look
}

type held struct {
	by    string
	until time.Time
}

// queued is a task: waiting, in somebody's hands, or given up.
type queued struct {
	task    queue.Task
	from    time.Time
	by      *process // nil while it waits
	hand    int      // counts how often it was taken
	retries int
	given   bool // up
	last    string
}

func newQueue(m mutation) *queueModel {
	q := &queueModel{mutation: m}
	q.lose()
	return q
}

// lose is what is left when Redis loses everything.
func (q *queueModel) lose() {
	q.tasks, q.leases = map[string]*queued{}, map[job.ID]held{}
	q.counted, q.reached = map[string]map[string]bool{}, map[string]bool{}
}

func (q *queueModel) enqueue(tasks []queue.Task) {
	for _, t := range tasks {
		if _, ok := q.tasks[t.ID()]; !ok {
			q.tasks[t.ID()] = &queued{task: t}
		}
	}
}

func (q *queueModel) status(t queue.Task, now time.Time) queue.Status {
	e, ok := q.tasks[t.ID()]
	switch {
	case q.mutation.noReconciler:
		return queue.Status{Condition: queue.Waiting}
	case !ok:
		return queue.Status{Condition: queue.Unknown}
	case e.given, e.by != nil && !e.by.alive(now):
		return queue.Status{Condition: queue.Lapsed, LastError: e.last}
	case e.by != nil:
		return queue.Status{Condition: queue.Running, LastError: e.last}
	}
	return queue.Status{Condition: queue.Waiting, LastError: e.last}
}

// look sees whether a task can be taken.
func (q *queueModel) look(now time.Time) {
	q.offered = false
	for _, e := range q.tasks {
		if e.by == nil && !e.given && !now.Before(e.from) {
			q.offered = true
			return
		}
	}
}

// waiting are the ids of the tasks that can be taken, in order.
func (q *queueModel) waiting(now time.Time) []string {
	var ids []string
	for id, e := range q.tasks {
		if e.by == nil && !e.given && !now.Before(e.from) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// recover hands tasks out again whose workers are long dead.
func (q *queueModel) recover(now time.Time) {
	const lease = 30 * time.Second
	for _, id := range slices.Sorted(maps.Keys(q.tasks)) {
		if e := q.tasks[id]; e.by != nil && e.by.dead && now.Sub(e.by.diedAt) > lease {
			e.by = nil
		}
	}
}

// handBack ends a hand: done, or again later, or given up.
func (q *queueModel) handBack(id string, hand int, failed error, now time.Time) {
	const most = 5
	e, ok := q.tasks[id]
	switch {
	case !ok || e.hand != hand || e.by == nil:
	case failed == nil:
		delete(q.tasks, id)
	case e.retries == most:
		e.by, e.given, e.last = nil, true, failed.Error()
	default:
		e.retries++
		e.by, e.last, e.from = nil, failed.Error(), now.Add(min(200*time.Millisecond<<e.retries, 5*time.Second))
	}
}

// client is the queue as a process sees it.
type client struct {
	*world
	by *process
}

func (q client) call(ctx context.Context, label string, effect func()) (err error) {
	c := &call{by: q.by, kind: queueCall, label: label, effect: effect, fail: func(e error) { err = e }}
	if gone := q.perform(ctx, c); gone != nil {
		return gone
	}
	return err
}

func (q client) Enqueue(ctx context.Context, tasks []queue.Task) error {
	if len(tasks) == 0 {
		return nil
	}
	return q.call(ctx, "enqueue "+tasks[0].ID(), func() {
		q.queue.enqueue(tasks)
		q.flying(tasks[0].Shard)
	})
}

// flying checks that no more shards of a phase are in the queue than the limit of
// their job allows. Those that are settled are in flight no more.
func (q client) flying(of job.Shard) {
	limit := q.store.limits[of.Unit.Job]
	if limit == 0 || q.store.contradiction != nil {
		return
	}
	open := map[string]bool{}
	for _, e := range q.queue.tasks {
		if s := e.task.Shard; s.Unit.Job == of.Unit.Job && s.Group() == of.Group() {
			if _, err := q.store.Head(context.Background(), s.SettledKey()); err != nil {
				open[s.String()] = true
			}
		}
	}
	if len(open) > limit {
		q.store.contradiction = fmt.Errorf("%d shards of %s are in flight, the limit is %d", len(open), of.Group(), limit)
	}
}

func (q client) Status(ctx context.Context, t queue.Task) (status queue.Status, err error) {
	err = q.call(ctx, "status "+t.ID(), func() { status = q.queue.status(t, time.Now()) })
	return status, err
}

func (q client) Await(ctx context.Context, group string, d time.Duration) (reported int, err error) {
	c := &call{by: q.by, kind: queueCall, label: "await " + group, wake: time.Now().Add(d), fail: func(e error) { err = e }}
	c.ready, c.effect = func() bool { return q.queue.reached[group] }, func() { reported = len(q.queue.counted[group]) }
	if gone := q.perform(ctx, c); gone != nil {
		return 0, gone
	}
	return reported, err
}

func (q client) Hold(ctx context.Context, id job.ID, holder string, ttl time.Duration) (got bool, err error) {
	err = q.call(ctx, "hold", func() {
		l, now := q.queue.leases[id], time.Now()
		if got = q.plan.everybody || l.by == "" || l.by == holder || now.After(l.until); got {
			q.queue.leases[id] = held{holder, now.Add(ttl)}
		}
	})
	return got, err
}

func (q client) Release(ctx context.Context, id job.ID, holder string) error {
	return q.call(ctx, "release", func() {
		if q.queue.leases[id].by == holder {
			delete(q.queue.leases, id)
		}
	})
}

func (q client) Settled(ctx context.Context, t queue.Task, expected int, _ blob.Digest) error {
	return q.call(ctx, "report "+t.ID(), func() {
		group := t.Shard.Group()
		if q.queue.counted[group] == nil {
			q.queue.counted[group] = map[string]bool{}
		}
		q.queue.counted[group][t.Shard.String()] = true
		q.queue.reached[group] = len(q.queue.counted[group]) >= expected
	})
}

// take waits for a task, any of those that wait.
func (q client) take(ctx context.Context) (task queue.Task, hand int, err error) {
	c := &call{by: q.by, kind: queueTake, label: "take"}
	c.ready = func() bool { return q.queue.offered }
	c.effect = func() {
		ids := q.queue.waiting(time.Now())
		e := q.queue.tasks[ids[q.choice.IntN(len(ids))]]
		e.hand++
		e.by, task, hand = q.by, e.task, e.hand
	}
	err = q.perform(ctx, c)
	return task, hand, err
}

// twice hands a task that is in somebody's hands out once more.
func (q *queueModel) twice(luck *numerics.Stream) {
	var ids []string
	for id, e := range q.tasks {
		if e.by != nil {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		q.tasks[ids[luck.IntN(len(ids))]].by = nil
	}
}
