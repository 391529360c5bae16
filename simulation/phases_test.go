package simulation_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// phases are the phases of a job by what the store holds once each has begun.
func phases() map[string]func(w *world) bool {
	there := func(one, other string) func(*world) bool {
		return func(w *world) bool { return w.find(one, other) != "" }
	}
	return map[string]func(w *world) bool{
		"submitted":  func(*world) bool { return true },
		"begin":      there("/log/", ""),
		"plan":       there("/plans/", ""),
		"rollout":    there("/settled/", "/rollout-"),
		"ranges":     there("/ranges/", ""),
		"collect":    there("/settled/", "/collect-"),
		"update":     there("/updates/", ""),
		"gradient":   there("/settled/", "/update."),
		"commit":     there("/log/", "00001.json"),
		"evaluation": there("/evals/", "/settled/"),
	}
}

// seen is how long after a request the last rollout may begin.
const seen = time.Second

// inPhase runs a job of which something is asked as soon as a phase has begun,
// and then until over, and returns when it was asked.
func (w *world) inPhase(begun func(*world) bool, action job.Action, over func(asked time.Time) bool) (asked time.Time, err error) {
	if err := w.submit(); err != nil {
		return asked, err
	}
	for slot := range w.processes {
		w.start(slot, 1)
	}
	err = w.run(func() bool {
		if asked.IsZero() && begun(w) {
			w.ask(action)
			asked = time.Now()
		}
		return !asked.IsZero() && over(asked)
	})
	return asked, err
}

// phased is the plan of a job that has the phase.
func phased(phase string) runPlan {
	p := runPlan{seed: 1 << 44, variation: 0, gradients: 1}
	if phase == "evaluation" {
		p.variation = 3
	}
	return p
}

// A job is cancelled in each of its phases: it ends as cancelled within seconds,
// with every planned rollout in the ledger, and no agent is asked after a second.
func TestJobIsCancelledInEachPhase(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	for name, begun := range phases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := refs.of(t, phased(name))
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(phased(name), refs.codec)
				asked, err := w.inPhase(begun, job.ActionCancel, func(time.Time) bool { return w.retired() && !w.driven() })
				w.close()
				if late := w.lastAsk.Sub(asked); late > seen {
					t.Errorf("an agent was asked %s after the request", late)
				}
				got, judged := w.judge()
				if err = errors.Join(err, judged, got.like(want, true)); err != nil || got.verdict != job.Cancelled {
					t.Errorf("%s, %v\n%s", got.verdict, err, w.history)
				}
			})
		})
	}
}

// A job stands still in each of its phases, for longer than all its deadlines:
// no agent is asked after a second. Then it comes to the same checkpoints.
func TestJobStandsStillInEachPhase(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	const still = 30 * time.Second
	for name, begun := range phases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := refs.of(t, phased(name))
			synctest.Test(t, func(t *testing.T) {
				p := phased(name)
				p.deadline = still / 2
				w := newWorld(p, refs.codec)
				asked, err := w.inPhase(begun, job.ActionPause, func(asked time.Time) bool { return time.Since(asked) > still })
				if late := w.lastAsk.Sub(asked); late > seen {
					t.Errorf("an agent was asked %s after the request", late)
				}
				w.ask(job.ActionResume)
				if err == nil {
					err = w.run(func() bool { return w.retired() && !w.driven() })
				}
				w.close()
				got, judged := w.judge()
				if err = errors.Join(err, judged, got.like(want, false)); err != nil {
					t.Errorf("%v\n%s", err, w.history)
				}
			})
		})
	}
}
