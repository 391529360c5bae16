package job

// Answer is how one execution of a rollout came out for the worker that asked.
type Answer int

// The answers. Weather is never a fate.
const (
	// Answered: the agent says that it attempted the task.
	Answered Answer = iota
	// Refused: the agent accepted and answered failure.
	Refused
	// Overdue: the agent did not answer in its time, while the worker's own
	// ticker showed no gap.
	Overdue
	// BrokeHealthy: the connection broke after the agent had accepted, and the
	// agent's health check answers.
	BrokeHealthy
	// Weather: everything else that kept an answer away.
	Weather
)

// Attempts counts how the executions of one rollout came out, in one shard's
// hands or over several collections. It is the worker's pure twin of State.
type Attempts struct {
	// Failures counts executions that ended in the agent's own failure; Breaks
	// those that broke off while the agent was healthy; Executions all of them.
	Failures, Breaks, Executions int
}

// Ruling is the verdict on a rollout so far: go on, or settled with a reason (empty: answered).
type Ruling struct {
	Settled bool
	Reason  Reason
}

// Rule counts an answer, of a rollout that may fail most times, and says
// whether its fate is settled.
func (a Attempts) Rule(answer Answer, most int) (Attempts, Ruling) {
	a.Executions++
	switch answer {
	case Answered:
		return a, Ruling{Settled: true}
	case Refused:
		a.Failures++
		return a, Ruling{Settled: a.Failures >= most, Reason: AgentError}
	case Overdue:
		a.Failures++
		return a, Ruling{Settled: a.Failures >= most, Reason: AgentTimeout}
	case BrokeHealthy:
		a.Breaks++
		return a, Ruling{Settled: a.Breaks >= most, Reason: AgentCrashed}
	case Weather:
	}
	return a, Ruling{}
}
