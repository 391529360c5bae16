package watch

import (
	"fmt"
	"slices"
	"time"
)

// recent is from how many steps the pace is taken.
const recent = 20

// pace is how long a step takes and how many rollouts it plans: the median and
// the mean of the last steps, so that a night between two runs does not count.
// It is zero until two steps are committed.
func (m *Model) pace() (step time.Duration, rollouts float64) {
	last := m.commits[max(0, len(m.commits)-recent-1):]
	if len(last) < 2 {
		return 0, 0
	}
	took := make([]time.Duration, len(last)-1)
	planned := 0
	for i := range took {
		took[i] = max(0, last[i+1].at.Sub(last[i].at))
		planned += last[i+1].totals.Planned
	}
	slices.Sort(took)
	return took[len(took)/2], float64(planned) / float64(len(took))
}

// left is how long the job still takes, by its pace, at now; ok is false while
// nobody can say.
func (m *Model) left(now time.Time) (d time.Duration, ok bool) {
	step, _ := m.pace()
	if step == 0 || !m.known || m.job.State.Ended() {
		return 0, false
	}
	newest := m.commits[len(m.commits)-1]
	// A clock that differs from the coordinator's is worth one step at most.
	since := min(step, max(0, now.Sub(newest.at)))
	return max(0, time.Duration(m.job.Steps-newest.step)*step-since), true
}

// throughput is how many rollouts a second were planned and settled of late.
func (m *Model) throughput() float64 {
	step, rollouts := m.pace()
	if step == 0 {
		return 0
	}
	return rollouts / step.Seconds()
}

// spoken is a length of time in one or two units.
func spoken(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
