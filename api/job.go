package api

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

// State is where a job is in its life.
type State string

// The states. A pending job has been submitted and no coordinator has taken it
// up, a paused one stands still until somebody resumes it; the last three are
// ends.
const (
	StatePending   State = "pending"
	StateRunning   State = "running"
	StatePaused    State = "paused"
	StateDone      State = "done"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Ended says whether the state is an end.
func (s State) Ended() bool {
	return s == StateDone || s == StateFailed || s == StateCancelled
}

// Job is a job as the API shows it. Its JSON names are stable.
type Job struct {
	ID    job.ID `json:"id"`
	Name  string `json:"name"`
	State State  `json:"state"`
	// Stage is what the job is doing: waiting, starting, rollouts, collecting,
	// updating, evaluating, ending or ended.
	Stage job.Stage `json:"stage"`
	// Paused says since when the job stands still, and why.
	Paused *job.Pause `json:"paused,omitempty"`
	// Step is the step of the newest checkpoint; Steps is the one at which the
	// job ends.
	Step  int `json:"step"`
	Steps int `json:"steps"`
	// Open are the steps that are under way, in their order, of a job whose spec
	// lets several be.
	Open []job.Underway `json:"open,omitempty"`
	// Reward is the mean reward of the last step's rollouts that have one.
	Reward *float64 `json:"reward,omitempty"`
	// Checkpoint is the id of the newest checkpoint, empty before the first.
	Checkpoint blob.Digest `json:"checkpoint,omitempty"`
	// Totals counts the rollouts of all committed steps, and once the job has
	// ended those of the steps that were open. planned = used + dropped + failed.
	Totals job.Totals `json:"totals"`
	// Evaluations are the results there are, in the order in which they came.
	Evaluations []job.Evaluation `json:"evaluations,omitempty"`
	Submitted   time.Time        `json:"submitted"`
	Ended       *time.Time       `json:"ended,omitempty"`
	// Reason says why the job ended as it did, and Remedy what can be done.
	Reason string `json:"reason,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Damage is what was lately found corrupt or missing of the job, and what was
	// done, the newest last.
	Damage []job.Damage `json:"damage,omitempty"`
	// RefusedBy are the workers that leave the job's shards alone, of the last
	// half minute. It is not told in events, nor once the job has ended.
	RefusedBy []queue.Refusal `json:"refused_by,omitempty"`
}

// rewardMetric is the name of the metric that Job.Reward shows.
const rewardMetric = "reward"

// FromHead is the job of a definition whose progress the hint head tells; nil
// is none yet.
func FromHead(def *job.Definition, head *job.Head) Job { return summarize(def).job(head) }

func (s summary) job(head *job.Head) Job {
	j := Job{ID: s.id, Name: s.name, State: StatePending, Stage: job.StageWaiting, Steps: s.steps, Submitted: s.at}
	if head == nil {
		return j
	}
	j.State, j.Stage, j.Step = StateRunning, head.Stage, head.Step
	j.Open = head.Open
	j.Checkpoint, j.Totals, j.Evaluations, j.Damage = head.Checkpoint, head.Totals, head.Evaluations, head.Damage
	for _, m := range head.Metrics {
		if m.Name == rewardMetric {
			j.Reward = &m.Value
		}
	}
	if head.Paused != nil {
		j.State, j.Paused = StatePaused, head.Paused
	}
	if head.End != nil {
		j.end(head)
	}
	return j
}

// end tells how the job ended.
func (j *Job) end(head *job.Head) {
	at := head.At
	j.State, j.Stage, j.Ended, j.Paused = stateOf(head.End.Verdict), job.StageEnded, &at, nil
	j.Reason, j.Remedy = head.End.Reason, head.End.Remedy
	for _, ledger := range head.End.Ledgers {
		j.Totals = j.Totals.Plus(ledger.Totals)
	}
}

func stateOf(v job.Verdict) State {
	switch v {
	case job.Done:
		return StateDone
	case job.Cancelled:
		return StateCancelled
	case job.Broken:
	}
	return StateFailed
}
