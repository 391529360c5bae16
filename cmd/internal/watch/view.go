package watch

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/job"
)

// color is what a piece of text is about: a parameter of an SGR sequence.
type color string

const (
	heading    color = "1"
	quiet      color = "2"
	good       color = "32"
	bad        color = "31"
	reward     color = "36"
	evaluation color = "33"
)

// plainLines is how many lines a view has beside its chart.
const plainLines = 8

// maxChart bounds the lines of the chart.
const maxChart = 16

// Render is the view of a job on a terminal of a width and a height, at now:
// at most height lines, none wider than width. Without colors it holds no
// escape sequence.
func (m *Model) Render(width, height int, now time.Time, colors bool) string {
	paint := func(c color, text string) string {
		if !colors || text == "" {
			return text
		}
		return "\x1b[" + string(c) + "m" + text + "\x1b[m"
	}
	lines := []string{m.title(now, paint), m.progress(width, now, paint)}
	if picture := m.chart().render(width, min(maxChart, height-plainLines), paint); picture != nil {
		lines = append(append(lines, ""), picture...)
	}
	lines = append(lines, m.rewards(paint), m.rollouts(), "checkpoint  "+orNone(string(m.newest())), m.last(paint))
	lines = lines[:min(len(lines), max(height, 1))]
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], width, "…")
	}
	return strings.Join(lines, "\n")
}

// title names the job and says what it is doing.
func (m *Model) title(now time.Time, paint func(color, string) string) string {
	if !m.known {
		return paint(quiet, "waiting for the job's state")
	}
	state, tint := string(m.job.State), heading
	switch {
	case m.job.State == api.StateDone:
		tint = good
	case m.job.State.Ended():
		tint = bad
	default:
		state += ", " + string(m.job.Stage)
		if len(m.job.Open) > 1 {
			state += ", " + openSteps(m.job.Open)
		}
	}
	until := now
	if m.job.Ended != nil {
		until = *m.job.Ended
	}
	return paint(heading, string(m.job.ID)) + "  " + paint(tint, state) + "  " + paint(quiet, spoken(max(0, until.Sub(m.job.Submitted))))
}

// openSteps lists the steps that are under way and what is done for each.
func openSteps(open []job.Underway) string {
	parts := make([]string, len(open))
	for i, s := range open {
		parts[i] = fmt.Sprintf("%d %s", s.Step, s.Stage)
	}
	return "steps " + strings.Join(parts, ", ")
}

// progress is a bar of the steps.
func (m *Model) progress(width int, now time.Time, paint func(color, string) string) string {
	step, steps := m.job.Step, max(m.job.Steps, 1)
	if n := len(m.commits); n > 0 {
		step = max(step, m.commits[n-1].step)
	}
	share := min(1, float64(step)/float64(steps))
	text := fmt.Sprintf("step %d/%d ", step, m.job.Steps)
	tail := fmt.Sprintf(" %3.0f%%", 100*share)
	if left, ok := m.left(now); ok {
		tail += "  about " + spoken(left) + " left"
	}
	cells := min(40, width-len(text)-len(tail))
	if cells < 4 {
		return text + tail
	}
	full := int(share * float64(cells))
	return text + paint(reward, strings.Repeat("█", full)) + paint(quiet, strings.Repeat("░", cells-full)) + tail
}

// chart is the reward over the steps, with the evaluations.
func (m *Model) chart() chart {
	c := chart{from: float64(m.first), to: float64(max(m.job.Steps, m.first+1))}
	for _, s := range m.commits {
		if s.reward != nil {
			c.line = append(c.line, point{float64(s.step), *s.reward})
		}
		c.to = max(c.to, float64(s.step))
	}
	for _, e := range m.evaluations {
		if e.Incomplete == "" && e.Scored > 0 {
			c.points = append(c.points, point{float64(e.Step), e.Mean})
		}
	}
	return c
}

// rewards is the last reward, and the first and the last evaluation.
func (m *Model) rewards(paint func(color, string) string) string {
	last := m.job.Reward
	if n := len(m.commits); n > 0 {
		last = m.commits[n-1].reward
	}
	text := paint(reward, "reward") + "      " + figure(last)
	points := m.chart().points
	if len(points) == 0 {
		return text
	}
	first, newest := points[0], points[0]
	for _, p := range points {
		if p.x < first.x {
			first = p
		}
		if p.x >= newest.x {
			newest = p
		}
	}
	text += "   " + paint(evaluation, string(diamond)+" evaluation") + fmt.Sprintf(" %.4g at step %g", newest.y, newest.x)
	if first.x < newest.x {
		text += fmt.Sprintf(", was %.4g at step %g", first.y, first.x)
	}
	return text
}

// rollouts is the ledger's totals and how fast they grow.
func (m *Model) rollouts() string {
	t := m.job.Totals
	if n := len(m.commits); n > 0 && m.commits[n-1].sum.Planned > t.Planned {
		t = m.commits[n-1].sum
	}
	text := fmt.Sprintf("rollouts    %d = %d used + %d dropped + %d failed", t.Planned, t.Used, t.Dropped, t.Failed)
	if rate := m.throughput(); rate > 0 && !m.job.State.Ended() {
		text += fmt.Sprintf("   %.4g/s", rate)
	}
	return text
}

// newest is the id of the newest checkpoint.
func (m *Model) newest() string {
	if m.checkpoint != "" {
		return string(m.checkpoint)
	}
	return string(m.job.Checkpoint)
}

// last says what cannot wait, or how to leave.
func (m *Model) last(paint func(color, string) string) string {
	switch {
	case m.lost != "":
		return paint(bad, "connection broken, connecting again: "+m.lost)
	case m.job.State.Ended() && m.job.Reason != "":
		return paint(bad, m.job.Reason)
	case m.job.State.Ended():
		return ""
	case m.job.Paused != nil:
		return paint(evaluation, strings.TrimSuffix("paused: "+m.job.Paused.Reason, ": ")+"; cohort resume "+string(m.job.ID)+" lets it go on")
	}
	return paint(quiet, "q leaves")
}
