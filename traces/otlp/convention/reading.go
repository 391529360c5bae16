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
	Model    string `json:"model,omitempty"`
	Provider string `json:"provider,omitempty"`
	// ResponseID is the model's id of its answer.
	ResponseID string `json:"response_id,omitempty"`
	// Policy is the digest of the weights that answered, if they are trained.
	Policy string    `json:"policy,omitempty"`
	Input  []Message `json:"input,omitempty"`
	Output []Message `json:"output,omitempty"`
	// Finish is why the answer ended, in the library's own word.
	Finish string `json:"finish_reason,omitempty"`
	// InputTokens and OutputTokens are nil if they were not recorded.
	InputTokens  *int64 `json:"input_tokens,omitempty"`
	OutputTokens *int64 `json:"output_tokens,omitempty"`
	// Prompt and Tokens are the token ids of the input and of the answer.
	Prompt []int64 `json:"prompt_token_ids,omitempty"`
	Tokens []int64 `json:"response_token_ids,omitempty"`
	// LogProbs are the natural logarithms of the probabilities with which the
	// answer's tokens were drawn, one each if the tokens are known.
	LogProbs []float64 `json:"log_probs,omitempty"`
	// Missing names what was not recorded, Faults what was and is no use.
	Missing []string `json:"missing,omitempty"`
	Faults  []string `json:"faults,omitempty"`
}

// A ToolCall is one call of a tool.
type ToolCall struct {
	Name      string `json:"name"`
	ID        string `json:"id,omitempty"`
	Arguments string `json:"arguments,omitempty"`
	Result    string `json:"result,omitempty"`
	// Asked says that only the model's request was recorded, not that it was
	// done.
	Asked bool `json:"asked_only,omitempty"`
}

// A Decision is one choice among candidates, as telemetry.Decision has it.
type Decision struct {
	Name string `json:"name,omitempty"`
	// Chosen is the row that was taken, -1 if that is not known.
	Chosen  int64    `json:"chosen"`
	LogProb *float64 `json:"log_prob,omitempty"`
	Policy  string   `json:"policy,omitempty"`
	// Features are the candidates' rows one after another, Width each.
	Features []float64 `json:"features,omitempty"`
	Width    int64     `json:"width,omitempty"`
}

// A Reward is a score that was recorded. Fault says why it is no use, if it is
// none.
type Reward struct {
	Name  string    `json:"name,omitempty"`
	Value float64   `json:"value"`
	Time  time.Time `json:"time,omitzero"`
	Fault string    `json:"fault,omitempty"`
}

// A Failure is how a span failed.
type Failure struct {
	Class   string `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	// Passed says that it came up from a span below, which counts for it.
	Passed bool `json:"passed_up,omitempty"`
}

// String is the failure in a line.
func (f *Failure) String() string {
	switch {
	case f.Class == "":
		return f.Message
	case f.Message == "":
		return f.Class
	}
	return f.Class + ": " + f.Message
}
