package simulation_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
)

// faults are what goes wrong in a run: a bounded number, so that every run can
// end.
type faults struct {
	left, kills, stalls, losses, cuts int // how many may still come
	every                             int // about one pick in so many goes wrong
	counted                           map[string]int
}

func (f *faults) count(name string) { f.counted[name]++ }

// befall performs a call, or lets something go wrong with it.
func (w *world) befall(c *call) {
	if w.cutOff(c) {
		return
	}
	if w.faults.left == 0 || w.luck.IntN(w.faults.every) != 0 {
		w.finish(c, "")
		return
	}
	w.faults.left--
	if w.luck.IntN(8) == 0 {
		w.strike()
		w.postpone(c, c.from) // it may not be ready any more
		return
	}
	if c.by.process && w.luck.IntN(6) == 0 && w.faults.kills > 0 {
		w.killAt(c)
		return
	}
	if c.by.process && w.luck.IntN(6) == 0 && w.faults.stalls > 0 {
		w.faults.stalls--
		w.faults.count("stall")
		d := time.Duration(w.luck.IntN(2_000)*(1+w.luck.IntN(10))) * time.Millisecond
		w.history.add(c.by.name, c.what(), fmt.Sprintf("FAULT: the process stands still for %s", d))
		w.stall(c.by, d)
		w.postpone(c, time.Time{})
		return
	}
	if c.by.process && w.luck.IntN(10) == 0 {
		w.jump(c.by)
		w.postpone(c, c.from)
		return
	}
	if c.by.process && w.luck.IntN(10) == 0 && w.cut(c) {
		w.postpone(c, c.from)
		return
	}
	if c.kind != sleeps && w.luck.IntN(4) == 0 {
		w.faults.count("delay")
		d := time.Duration(w.luck.IntN(4_000)) * time.Millisecond
		if c.by == w.agent || c.kind == asks || c.kind == answers {
			d /= 10 // slow, but within the grace that a client gives
		}
		w.history.add(c.by.name, c.what(), fmt.Sprintf("FAULT: delayed by %s", d))
		w.postpone(c, time.Now().Add(d))
		return
	}
	w.lose(c)
}

// postpone puts a call back.
func (w *world) postpone(c *call, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.from = until
	w.pending = append(w.pending, c)
}

// killAt kills the process that makes a call, before the call has an effect or
// after it.
func (w *world) killAt(c *call) {
	w.faults.kills--
	if w.luck.IntN(2) == 0 {
		w.faults.count("crash before an effect")
		w.history.add(c.by.name, c.what(), "FAULT: killed before")
	} else {
		w.faults.count("crash after an effect")
		w.history.add(c.by.name, c.what(), "FAULT: killed after")
		c.effect()
	}
	w.kill(c.by)
}

// lose lets a call go wrong in the ways of its kind.
func (w *world) lose(c *call) {
	told := func(name string, applied bool, err error) {
		w.faults.count(name)
		w.history.add(c.by.name, c.what(), fmt.Sprintf("FAULT: %s: %v", name, err))
		if applied {
			c.effect()
		}
		c.fail(err)
		w.release(c)
	}
	switch c.kind {
	case storeRead:
		told("read not answered", false, blob.ErrUnavailable)
	case storeWrite:
		switch w.luck.IntN(4) {
		case 0:
			told("write not made", false, blob.ErrThrottled)
		case 1:
			told("write not made and not told", false, blob.ErrAmbiguous)
		case 2:
			told("write made and not told", true, blob.ErrAmbiguous)
		default:
			told("write made and denied", true, blob.ErrUnavailable)
		}
	case queueCall:
		if w.luck.IntN(2) == 0 {
			told("request to the queue lost", false, errRedis)
		} else {
			told("answer of the queue lost", true, errRedis)
		}
	case queueTake:
		w.faults.count("task handed out twice")
		w.finish(c, "FAULT: the task stays in the queue")
		w.queue.twice(w.luck)
	case asks:
		told("agent not reached", false, agent.ErrWeather)
	case answers:
		w.breakOff(c, told)
	case logAppend:
		w.faults.count("record written twice")
		w.history.add(c.by.name, c.what(), "FAULT: written twice")
		c.effect()
		w.finish(c, "")
	default:
		w.finish(c, "")
	}
}

// breakOff loses the answer of an agent that has accepted.
func (w *world) breakOff(c *call, told func(string, bool, error)) {
	switch {
	case !c.ready():
		w.finish(c, "")
	case w.luck.IntN(2) == 0:
		told("agent answered 503", false, fmt.Errorf("%w: 503", agent.ErrWeather))
	case w.agents.may(c.label):
		told("connection to an agent broken", false, agent.ErrBroke)
	default:
		w.finish(c, "")
	}
}

// sent lets the record of an event come twice, at once or much later, and slow
// agents be slow.
func (f *faults) sent(a *agents, x *execution, partition, i int) {
	if f.left == 0 || a.luck.IntN(f.every) != 0 {
		return
	}
	f.left--
	f.count("event written twice")
	again := a.plan.mutation.copied(a, x.frames[i])
	a.later(a.nature, fmt.Sprintf("event %d of %s once more", i, x.name), a.soon(3*time.Second), func() {
		_, _ = a.log.append(x.request.Traces.Topic, partition, []byte(x.request.Thread), again)
	})
}

// strike is what goes wrong with the services as a whole.
func (w *world) strike() {
	if w.luck.IntN(2) == 0 {
		w.faults.count("Redis lost everything")
		w.history.add("nature", "Redis", "FAULT: loses everything")
		w.queue.lose()
		return
	}
	if w.faults.losses == 0 {
		return
	}
	w.faults.losses--
	topics := slices.Sorted(maps.Keys(w.log.topics))
	if len(topics) == 0 {
		return
	}
	topic := topics[w.luck.IntN(len(topics))]
	parts := w.log.topics[topic]
	n, ways := w.luck.IntN(len(parts)), 3
	if w.plan.modest {
		ways = 2
	}
	switch w.luck.IntN(ways) {
	case 0:
		w.faults.count("topic recreated")
		w.history.add("nature", "log", "FAULT: the topic is recreated")
		w.log.recreate(topic)
		for n := range parts {
			w.agents.lost(topic, n, 0)
		}
	case 1:
		w.faults.count("retention cut a partition")
		w.history.add("nature", "log", fmt.Sprintf("FAULT: retention cuts partition %d", n))
		w.log.cut(topic, n)
	default:
		w.faults.count("partition lost its tail")
		w.history.add("nature", "log", fmt.Sprintf("FAULT: partition %d loses its tail", n))
		w.agents.lost(topic, n, w.log.unclean(topic, n))
	}
}
