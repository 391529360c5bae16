package watch

import (
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Model is what the events of a job have told so far. It grows by a few
// numbers a step. The zero Model knows nothing.
type Model struct {
	job         api.Job
	known       bool // job was told
	first       int  // the step that the job began at
	commits     []commit
	evaluations []job.Evaluation // in the order in which they came
	checkpoint  blob.Digest      // the newest
	lost        string           // why the connection is broken, or empty
}

// commit is what is kept of a committed step.
type commit struct {
	step   int
	at     time.Time // by the coordinator's clock
	reward *float64  // nil if no rollout had one
	totals job.Totals
	sum    job.Totals // of this step and all before
}

// Job is the job as it was told last.
func (m *Model) Job() api.Job { return m.job }

// Apply takes an event and returns what is new in it, as lines of plain text.
func (m *Model) Apply(e api.Event) []string {
	var news []string
	if m.lost != "" && e.Kind != api.EventLost {
		m.lost = ""
		news = append(news, "connected again")
	}
	switch e.Kind {
	case api.EventLost:
		if m.lost == "" {
			news = append(news, fmt.Sprintf("the connection broke (%v): connecting again", e.Err))
		}
		m.lost = e.Err.Error()
	case api.EventEntry:
		news = append(news, m.entry(e.Entry)...)
	case api.EventHead, api.EventEnd:
		news = append(news, m.head(e.Job)...)
	}
	return news
}

func (m *Model) entry(e *job.Entry) []string {
	if c, ok := e.NewCheckpoint(); ok {
		m.checkpoint = c.Manifest
	}
	switch {
	case e.Begin != nil:
		m.first = e.Begin.Checkpoint.Step
		return []string{fmt.Sprintf("began at step %d, checkpoint %s", m.first, short(m.checkpoint))}
	case e.Commit != nil:
		c := commit{step: e.Commit.Checkpoint.Step, at: e.At, totals: e.Commit.Ledger.Totals, sum: e.Commit.Totals}
		for i := range e.Commit.Metrics {
			if e.Commit.Metrics[i].Name == "reward" {
				c.reward = &e.Commit.Metrics[i].Value
			}
		}
		m.commits = append(m.commits, c)
		return []string{m.commitLine(c)}
	}
	return nil
}

func (m *Model) commitLine(c commit) string {
	of := ""
	if m.known {
		of = fmt.Sprintf("/%d", m.job.Steps)
	}
	return fmt.Sprintf("step %d%s  reward %s  rollouts %d = %d used + %d dropped + %d failed  checkpoint %s",
		c.step, of, figure(c.reward), c.totals.Planned, c.totals.Used, c.totals.Dropped, c.totals.Failed, short(m.checkpoint))
}

func (m *Model) head(j *api.Job) []string {
	var news []string
	if !m.known {
		news = append(news, fmt.Sprintf("job %s (%s) is %s, step %d/%d", j.ID, j.Name, j.State, j.Step, j.Steps))
	}
	ended := j.State.Ended() && !m.job.State.Ended()
	if line := pauseLine(m.job.Paused, j); line != "" {
		news = append(news, line)
	}
	m.job, m.known = *j, true
	for _, e := range j.Evaluations {
		if m.evaluated(e.Manifest) {
			continue
		}
		m.evaluations = append(m.evaluations, e)
		news = append(news, evaluationLine(e))
	}
	if ended {
		news = append(news, endLine(j))
	}
	return news
}

// pauseLine says that a job stands still which did not before, or goes on.
func pauseLine(before *job.Pause, j *api.Job) string {
	switch {
	case before == nil && j.Paused != nil && j.Paused.Reason != "":
		return "paused: " + j.Paused.Reason
	case before == nil && j.Paused != nil:
		return "paused"
	case before != nil && j.Paused == nil && !j.State.Ended():
		return "resumed"
	}
	return ""
}

func (m *Model) evaluated(id blob.Digest) bool {
	for i := range m.evaluations {
		if m.evaluations[i].Manifest == id {
			return true
		}
	}
	return false
}

func evaluationLine(e job.Evaluation) string {
	if e.Incomplete != "" {
		return fmt.Sprintf("evaluation of step %d is incomplete: %s", e.Step, e.Incomplete)
	}
	return fmt.Sprintf("evaluation of step %d: mean reward %.4g of %d", e.Step, e.Mean, e.Scored)
}

func endLine(j *api.Job) string {
	line := fmt.Sprintf("%s at step %d/%d", j.State, j.Step, j.Steps)
	if j.Reason != "" {
		line += ": " + j.Reason
	}
	t := j.Totals
	return line + fmt.Sprintf("  rollouts %d = %d used + %d dropped + %d failed  checkpoint %s",
		t.Planned, t.Used, t.Dropped, t.Failed, orNone(string(j.Checkpoint)))
}

// short is enough of a digest to find the checkpoint by.
func short(d blob.Digest) string {
	if len(d) > 12 {
		return string(d[:12])
	}
	return orNone(string(d))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func figure(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%.4g", *v)
}
