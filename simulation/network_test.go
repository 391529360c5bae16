package simulation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// service is whom a call is made to, empty for those that a cut does not touch.
func (k kind) service() string {
	switch k {
	case storeRead, storeWrite:
		return "the store"
	case queueCall, queueTake:
		return "the queue"
	case logRead, logAppend:
		return "the log"
	case sleeps, asks, answers, sends, happens:
	}
	return ""
}

// cut cuts the process that makes a call off from the service it calls, for a
// while, and says whether it did: everything else it reaches, and everybody else
// reaches the service.
func (w *world) cut(c *call) bool {
	from := c.kind.service()
	if from == "" || w.faults.cuts == 0 {
		return false
	}
	w.faults.cuts--
	w.faults.count("partition of the network")
	d := time.Duration(w.luck.IntN(15_000)) * time.Millisecond
	c.by.cut, c.by.whole = from, time.Now().Add(d)
	w.history.add(c.by.name, "network", fmt.Sprintf("FAULT: cut off from %s for %s", from, d))
	return true
}

// cutOff refuses a call to a service that its process does not reach, and says
// whether it did. Who waits for the log or for a task waits on.
func (w *world) cutOff(c *call) bool {
	if !c.by.process || c.by.cut == "" || c.kind.service() != c.by.cut {
		return false
	}
	if !time.Now().Before(c.by.whole) {
		c.by.cut = ""
		return false
	}
	var err error
	switch c.kind {
	case storeRead, storeWrite:
		err = blob.ErrUnavailable
	case queueCall:
		err = errRedis
	case queueTake, logRead, logAppend, sleeps, asks, answers, sends, happens:
		w.postpone(c, c.by.whole)
		return true
	}
	w.history.add(c.by.name, c.what(), "not reached: "+err.Error())
	c.fail(err)
	w.release(c)
	return true
}

// jump moves the clock on the wall of a process, by up to a day. How long
// something takes it does not change: that is measured by another clock.
func (w *world) jump(p *process) {
	most := []time.Duration{2 * time.Second, time.Hour, 24 * time.Hour}[w.luck.IntN(3)]
	d := time.Duration(w.luck.IntN(int(2*most))) - most
	p.skew += d
	w.faults.count("clock jumped")
	w.history.add(p.name, "clock", fmt.Sprintf("FAULT: jumps by %s", d))
}

func TestJumpOfTheClockOnTheWallIsNoTimeThatPasses(t *testing.T) {
	t.Parallel()
	at := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	before, after := withElapsed(at, time.Second), withElapsed(at.Add(-time.Hour), 3*time.Second)
	if got := after.Sub(before); got != 2*time.Second {
		t.Errorf("%s passed", got)
	}
	if !before.Round(0).Equal(at) || !after.Round(0).Equal(at.Add(-time.Hour)) {
		t.Errorf("the wall shows %s, then %s", before, after)
	}
}
