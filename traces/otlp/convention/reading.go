package convention

import "time"

// A Reading is what one span says, together with the log records that name it.
type Reading struct {
	Kind Kind
	// Name is the agent's, the tool's, the model's or the step's.
	Name string
	// Call, Tool and Decision are there if the kind says so; an Operation and a
	// Request have a Tool.
	Call     *Call
	Tool     *ToolCall
	Decision *Decision
	Rewards  []Reward
	Failure  *Failure
}

// A Call is one call of a model.
type Call struct {
	Model, Provider string
	// ResponseID is the model's id of its answer.
	ResponseID string
	// Policy is the digest of the weights that answered, if they are trained.
	Policy        string
	Input, Output []Message
	// Finish is why the answer ended, in the library's own word.
	Finish string
	// InputTokens and OutputTokens are nil if they were not recorded.
	InputTokens, OutputTokens *int64
	// Prompt and Tokens are the token ids of the input and of the answer.
	Prompt, Tokens []int64
	// LogProbs are the natural logarithms of the probabilities with which the
	// answer's tokens were drawn, one each if the tokens are known.
	LogProbs []float64
	// Missing names what was not recorded, Faults what was and is no use.
	Missing, Faults []string
}

// A ToolCall is one call of a tool.
type ToolCall struct {
	Name, ID, Arguments, Result string
	// Asked says that only the model's request was recorded, not that it was
	// done.
	Asked bool
}

// A Decision is one choice among candidates, as telemetry.Decision has it.
type Decision struct {
	Name string
	// Chosen is the row that was taken, -1 if that is not known.
	Chosen  int64
	LogProb *float64
	Policy  string
	// Features are the candidates' rows one after another, Width each.
	Features []float64
	Width    int64
}

// A Reward is a score that was recorded. Fault says why it is no use, if it is
// none.
type Reward struct {
	Name  string
	Value float64
	Time  time.Time
	Fault string
}

// A Failure is how a span failed.
type Failure struct{ Class, Message string }
