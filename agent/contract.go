package agent

import "encoding/json"

// Format is the version of the contract, in every Request.
const Format = "cohort.rollout/1"

// Bounds of the messages.
const (
	MaxRequest = 4 << 20   // bytes of an encoded Request; a task is below 1 MiB
	MaxAnswer  = 1 << 20   // bytes of an encoded Answer
	MaxThread  = 512       // bytes of a thread id
	MaxSeed    = 1<<53 - 1 // so that every JSON decoder keeps it exact
	MaxClass   = 100       // bytes of a Failure's class
	MaxMessage = 1000      // bytes of a Failure's message
)

// MaxDeadlineMS is one day.
const MaxDeadlineMS = 24 * 60 * 60 * 1000

// Request asks for one attempt at a task.
type Request struct {
	// Format is Format.
	Format string `json:"format"`
	// Thread is the id under which the attempt's events are recorded, the key of
	// each Kafka message. It is never used twice.
	Thread string `json:"thread"`
	// Job, Step, Group and Rollout say which rollout this is an attempt at. An
	// agent's result should depend on none of them.
	Job     string `json:"job"`
	Step    int    `json:"step"`
	Group   int    `json:"group"`
	Rollout int    `json:"rollout"`
	// Greedy asks for the likeliest choices: an evaluation.
	Greedy bool `json:"greedy"`
	// Task is one line of the job's data set.
	Task json.RawMessage `json:"task"`
	// Seed is where all randomness of the attempt comes from, at most MaxSeed.
	Seed uint64 `json:"seed"`
	// DeadlineMS is the time for the attempt in milliseconds, from the moment at
	// which the request is received.
	DeadlineMS int64 `json:"deadline_ms"`
	// Policy says who decides.
	Policy PolicyAddress `json:"policy"`
	// Traces says where events go.
	Traces TracesAddress `json:"traces"`
}

// PolicyAddress is where decisions are asked for: POST URL/decide.
type PolicyAddress struct {
	URL string `json:"url"`
	// Token is what requests to URL present, in the header Authorization: Bearer
	// TOKEN. It is empty where the policy's server asks for none.
	Token string `json:"token,omitempty"`
	// Digest names the weights. A decision made under another digest is not used.
	Digest string `json:"digest"`
}

// TracesAddress is the Kafka topic that takes the attempt's events.
type TracesAddress struct {
	Brokers    []string `json:"brokers"` // host:port
	Topic      string   `json:"topic"`
	Partitions int      `json:"partitions"`
}

// Answer says that the attempt has ended, well or not, and that its events are
// in the log.
type Answer struct {
	// Events is the number of events sent, the end event included.
	Events uint64 `json:"events"`
	// Acknowledged is the last offset that the broker acknowledged for this
	// thread in each partition that holds its events. It may be left out by an
	// agent that does not know it.
	Acknowledged []Position `json:"acknowledged,omitempty"`
	// Error is the agent's own failure, if the attempt failed.
	Error *Failure `json:"error,omitempty"`
}

// Position is an offset in a partition of the topic.
type Position struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Failure is what went wrong in the agent.
type Failure struct {
	// Class is the kind of failure, by which failures are counted.
	Class   string `json:"class"`
	Message string `json:"message"`
}

// ClassTimedOut is the class of a failure that says that the attempt's time
// passed inside the agent. The client reports it as ErrTimedOut.
const ClassTimedOut = "timed_out"
