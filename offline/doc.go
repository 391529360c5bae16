// Package offline makes the data of a job from traces that exist already. Each
// thread is either used, or is not for a reason with a name; those that are used
// are grouped by the identity of their task, and the tasks are split into those
// to train on and those that are held out. Rewards are asked for here and once:
// what comes of it is a data set like any other, whose digest is part of the
// training digest, so nothing is asked again however often the job is driven.
package offline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
)

// Task is one line of the data set: a task and the threads that attempted it, in
// the order of their ids.
type Task struct {
	Task    string   `json:"task"`
	Threads []Thread `json:"threads"`
}

// Thread is what one thread teaches.
type Thread struct {
	Thread string  `json:"thread"`
	Reward float64 `json:"reward"`
	// Rewards are what Reward is the weighted sum of, null for one that was not
	// given; absent where there is one.
	Rewards   []*float64 `json:"rewards,omitempty"`
	Truncated bool       `json:"truncated,omitempty"`
	Policy    string     `json:"policy,omitempty"`
	Decisions []Decision `json:"decisions"`
}

// Decision is one choice among candidates, whose rows of features follow each
// other.
type Decision struct {
	Chosen   int32     `json:"chosen"`
	LogProb  float32   `json:"log_prob"`
	Features []float32 `json:"features"`
}

// ReadTask reads a line of the data set.
func ReadTask(line []byte) (*Task, error) {
	t := new(Task)
	if err := json.Unmarshal(line, t); err != nil {
		return nil, fmt.Errorf("read a task: %w", err)
	}
	return t, nil
}

// ReadTasks reads a data set.
func ReadTasks(body []byte) ([]*Task, error) {
	var all []*Task
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		t, err := ReadTask(line)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// Sample is the thread as rollout r of group g, of candidates with width features.
func (t *Thread) Sample(task, g, r, width int) (batch.Sample, error) {
	s := batch.Sample{
		Group: g, Rollout: r, Task: task, Reward: t.Reward, Policy: blob.Digest(t.Policy), Truncated: t.Truncated,
		Choices: policy.Choices{Width: width, Offsets: []int{0}},
	}
	for _, v := range t.Rewards {
		s.Rewards = append(s.Rewards, orNaN(v))
	}
	for i, d := range t.Decisions {
		rows := len(d.Features) / width
		if rows*width != len(d.Features) || int(d.Chosen) >= rows || d.Chosen < 0 {
			return s, fmt.Errorf("thread %q: decision %d chose %d of %d features, %d each", t.Thread, i, d.Chosen, len(d.Features), width)
		}
		s.Choices.Features = append(s.Choices.Features, d.Features...)
		s.Choices.Offsets = append(s.Choices.Offsets, len(s.Choices.Features)/width)
		s.Choices.Chosen = append(s.Choices.Chosen, d.Chosen)
		s.LogProbs = append(s.LogProbs, d.LogProb)
	}
	return s, nil
}
