// Package convention says what spans mean. Each library names the model, the
// messages, the tools and the rewards of an agent in its own way; each way is a
// table here, one file a convention, and [Reader] goes through the tables. A
// span may mix conventions: for each field the first row that has a value
// counts. docs/otlp.md is these tables.
//
// What a library does not record is missing and said to be; nothing is made up.
package convention

// A Kind is what a span is for.
type Kind int

// The kinds.
const (
	// Step is work that is none of the others: a chain, a retrieval.
	Step Kind = iota
	// Agent is the work of an agent, of a workflow or of a session.
	Agent
	// Model is one call of a language model.
	Model
	// Tool is one call of a tool.
	Tool
	// Request is a tool call as the model asked for it; whether it was done, and
	// what came of it, is in an Operation, if it is recorded at all.
	Request
	// Operation is a function that was run. It belongs to the Request that asked
	// for it, if there is one, and is a Step if not.
	Operation
	// Choice is one decision of a policy among candidates.
	Choice
)

// String is the kind in words.
func (k Kind) String() string {
	switch k {
	case Agent:
		return "agent"
	case Model:
		return "model call"
	case Tool:
		return "tool call"
	case Request:
		return "requested tool call"
	case Operation:
		return "operation"
	case Choice:
		return "decision"
	case Step:
	}
	return "step"
}

// A Field is one thing that an attribute can say.
type Field int

// The fields.
const (
	Thread Field = iota + 1
	Task
	Name
	ModelName
	Provider
	ResponseID
	Policy
	System
	Input
	Output
	Finish
	InputTokens
	OutputTokens
	PromptIDs
	ResponseIDs
	LogProbs
	Response
	Events
	ToolName
	ToolID
	Arguments
	Result
	Score
	ScoreName
	ErrorType
	DecisionName
	Chosen
	DecisionLogProb
	Features
	Width
)

// String is the field in words.
func (f Field) String() string {
	names := [...]string{
		"", "thread", "task", "name of a step", "model", "provider", "id of the response", "policy", "system instructions",
		"input messages", "output messages", "finish reason", "input tokens", "output tokens", "prompt token ids",
		"response token ids", "log-probabilities", "whole response", "events", "tool", "id of the tool call", "arguments",
		"result", "reward", "name of the reward", "class of error", "name of the decision", "chosen candidate",
		"log-probability of the choice", "features of the candidates", "features per candidate",
	}
	if f < 1 || int(f) >= len(names) {
		return "unknown"
	}
	return names[f]
}

// A Form is how an attribute says it.
type Form int

// The forms.
const (
	// Plain is a value of its own: text, a number, or the first of a list.
	Plain Form = iota
	// Structure is a structured value, or a text that is JSON.
	Structure
	// Spelled is spread over attributes whose names go on with numbers and
	// members, as gen_ai.prompt.0.role does.
	Spelled
)

// String is the form in words.
func (f Form) String() string {
	switch f {
	case Structure:
		return "structure or JSON"
	case Spelled:
		return "spelled out"
	case Plain:
	}
	return "plain"
}

// A Row says where a convention keeps a field.
type Row struct {
	Field     Field
	Attribute string
	Form      Form
	// Of is the kind of span that the row is for, where the name means something
	// else elsewhere; Step is every kind.
	Of Kind
}

// A Mark is an attribute that tells the kind of its span.
type Mark struct {
	Attribute string
	// Values are those that tell, in small letters; none is any value.
	Values []string
	Kind   Kind
}

// An EventRow says what an event means, which comes as an event of a span or as
// a log record that names one.
type EventRow struct {
	Event string
	Field Field
	// Role is whose message it is, where the event does not say.
	Role string
}

// A Convention is one way to write down what an agent does.
type Convention struct {
	Name   string
	Marks  []Mark
	Rows   []Row
	Events []EventRow
}

// All are the conventions, in the order in which they are asked.
func All() []Convention {
	return []Convention{
		cohort(), openInference(), genAI(), genAIPrevious(), vercel(), openLLMetry(), agentLightning(), langSmith(), langfuse(), mlflow(), logfire(),
	}
}
