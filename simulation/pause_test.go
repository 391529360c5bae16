package simulation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/submission"
)

// pauses ask the job to stand still now and then, and let it go on.
type pauses struct {
	*world
	luck   *numerics.Stream
	left   int
	paused bool
	at     int // the pick of the next request
}

func (w *world) newPauses() *pauses {
	p := &pauses{world: w, luck: numerics.NewStream(w.plan.seed, 5), left: w.plan.pauses}
	p.at = p.luck.IntN(900)
	return p
}

// pass is called between picks. A job that stands still is always let go on.
func (p *pauses) pass() {
	if p.picks < p.at || !p.paused && p.left == 0 {
		return
	}
	if p.retired() {
		p.left, p.paused = 0, false
		return
	}
	if p.paused {
		p.ask(job.ActionResume)
		p.paused, p.at = false, p.picks+p.luck.IntN(600)
		return
	}
	p.left--
	p.ask(job.ActionPause)
	p.faults.count("pause")
	p.paused, p.at = true, p.picks+p.luck.IntN(300)
}

// ask asks something of the job, as the API does.
func (w *world) ask(action job.Action) {
	ask := map[job.Action]func(context.Context, blob.Bucket, job.ID, string, string, time.Time) error{
		job.ActionCancel: submission.Cancel, job.ActionPause: submission.Pause, job.ActionResume: submission.Resume,
	}[action]
	w.asked++
	err := ask(context.Background(), w.store, w.def.ID, "", fmt.Sprint("person-", w.asked), time.Now())
	w.history.add("person", string(action), fmt.Sprint(err))
}
