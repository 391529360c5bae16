package telemetry

import (
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// Event is one thing that happened in a thread.
type Event struct {
	// Thread is the id of the thread, and the key of the Kafka message. It is
	// empty for a Marker, a Final and a Tombstone, which belong to no thread.
	Thread string
	// Index is the event's place in its thread, from 0 without holes.
	Index uint64
	// Time is the writer's wall time. Readers show it and never order by it.
	Time time.Time
	// Clock is the stamp of the producer's hybrid logical clock, ClockFlags what
	// was wrong with the wall clock then. Admit sets both. In a producer instance
	// the stamp of a later call is the greater one; 0 is no stamp.
	Clock      hlc.Stamp
	ClockFlags hlc.Flags
	// Name says what the event is about: a node, a decision, a tool.
	Name string
	// Attributes are the user's own, in the order given, keys unique.
	Attributes []Attribute
	// Body says what happened; its type is one of this package's bodies.
	Body Body
}

// Attribute is one key and value that a user attached to an event.
type Attribute struct {
	Key, Value string
}

// Body is what happened: a Start, Decision, ModelCall, ToolCall, Reward, Error,
// End, State, Marker, Final or Tombstone, by value. Only this package has
// bodies.
type Body interface {
	// threaded reports whether an event with this body belongs to a thread.
	threaded() bool
}

// Start opens a thread.
type Start struct {
	// Task is the id of what the agent was asked to solve.
	Task string
}

// Decision is one choice of the policy among candidates.
type Decision struct {
	// Number counts the decisions of the thread from 0.
	Number uint32
	// Policy is the digest of the weights that decided.
	Policy string
	// Width is the number of features of a candidate.
	Width uint32
	// Features holds the candidates' rows one after another, row-major.
	Features []float32
	// Chosen is the row that was taken.
	Chosen uint32
	// LogProb is the natural logarithm of the probability with which it was.
	LogProb float32
}

// ModelCall is one call of a language model.
type ModelCall struct {
	// Number counts the model calls of the thread from 0.
	Number uint32
	// Policy is the digest of the weights that answered, if they are trained.
	Policy string
	// Model is the name under which the model was called.
	Model string
	// Prompt and Response are token ids.
	Prompt, Response []uint32
	// LogProbs has the behaviour log-probability of each response token.
	LogProbs []float32
}

// ToolCall is one call of a tool.
type ToolCall struct {
	Tool          string
	Input, Output []byte
	Duration      time.Duration
}

// Reward is a reward that was recorded while the thread ran. Several add up or
// replace each other as the job's reward section says.
type Reward struct {
	Value float64
}

// Error is a failure inside the thread. An End follows it.
type Error struct {
	// Class is the kind of error, by which errors are counted.
	Class   string
	Message string
	// Causes is the chain below the error, the outermost first.
	Causes []Cause
	// Node is where in the agent it happened.
	Node     string
	Duration time.Duration
	// Attempt counts the attempts of the node from 1; 0 says not known.
	Attempt uint32
}

// Cause is one link of an error's chain.
type Cause struct {
	Class, Message string
}

// End closes a thread.
type End struct {
	// Events is how many events the thread has, this one included.
	Events uint64
	// Truncated says that the thread was cut off at a limit of the agent: steps,
	// tokens, time.
	Truncated bool
}

// Marker bounds a range of the log. The driver of a job writes it.
type Marker struct {
	Nonce, Job string
}

// Final is the last record of a producer instance in a partition. A log in
// which it is missing has a tail that nobody knows.
type Final struct {
	// Sequences is how many sequences the instance assigned before this one.
	Sequences uint64
}

// Tombstone stands in a producer instance's order for events that the producer
// gave up: the sequences First to First + Count - 1, in its partition. The
// message's own sequence is the last of them. The log may hold some of the
// events all the same, before the tombstone (an answer was lost) or after it
// (they were replayed).
type Tombstone struct {
	First, Count uint64
	// Reason says why the last of them was given up.
	Reason string
}

// State is one version of a state of the thread, which the event's name names:
// whole, or the difference from the version before it.
type State state.Change

func (Start) threaded() bool     { return true }
func (Decision) threaded() bool  { return true }
func (ModelCall) threaded() bool { return true }
func (ToolCall) threaded() bool  { return true }
func (Reward) threaded() bool    { return true }
func (Error) threaded() bool     { return true }
func (End) threaded() bool       { return true }
func (State) threaded() bool     { return true }
func (Marker) threaded() bool    { return false }
func (Final) threaded() bool     { return false }
func (Tombstone) threaded() bool { return false }
