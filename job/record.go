package job

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Formats of the records. A reader that meets another refuses it by name.
const (
	PlanFormat       = "cohort.plan/1"
	OpenedFormat     = "cohort.opened/1"
	RangesFormat     = "cohort.ranges/1"
	RolloutFormat    = "cohort.settled.rollout/1"
	ExtractFormat    = "cohort.settled.extract/1"
	CollectFormat    = "cohort.settled.collect/1"
	TermsFormat      = "cohort.gradient/1"
	GradientFormat   = "cohort.settled.gradient/1"
	EntryFormat      = "cohort.log/1"
	ControlFormat    = "cohort.control/1"
	HeadFormat       = "cohort.head/1"
	DriverFormat     = "cohort.driver/1"
	RedriveFormat    = "cohort.redrive/1"
	ResultFormat     = "cohort.evaluation/1"
	PinFormat        = "cohort.pin/1"
	PrunedFormat     = "cohort.pruned/1"
	DefinitionFormat = "cohort.definition/1"
	AnswersFormat    = "cohort.reward.answers/1"
)

// A Mark is a marker in the log that a record names: the event with this nonce
// lies at this offset of the partition, or the log has lost it.
type Mark struct {
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Nonce     string `json:"nonce"`
}

// Position is an offset in a partition.
type Position struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Opened names the opening markers, one per partition in order, of a
// collection that does not begin where an earlier range ended.
type Opened struct {
	Format string `json:"format"`
	Marks  []Mark `json:"marks"`
}

// Range is the part of a partition between two markers: what lies after
// Opening and before Closing.
type Range struct {
	Opening Mark `json:"opening"`
	Closing Mark `json:"closing"`
}

// Ranges fixes what a collection reads, one range per partition in order, and
// the settled rollout records (by the digests of their bytes, in shard order)
// that name the executions that count. When the log lost an opening marker,
// Losses says so and there are no ranges.
type Ranges struct {
	Format  string        `json:"format"`
	Ranges  []Range       `json:"ranges,omitempty"`
	Settled []blob.Digest `json:"settled,omitempty"`
	Losses  []Loss        `json:"losses,omitempty"`
}

// Closing is where the next range begins.
func (r Ranges) Closing() []Mark {
	marks := make([]Mark, len(r.Ranges))
	for i := range r.Ranges {
		marks[i] = r.Ranges[i].Closing
	}
	return marks
}

// LossKind is what the log was found to have lost.
type LossKind string

// What can be lost. Promised means that the log is whole but holds fewer
// events of an execution than its agent said it sent.
const (
	LostMarker   LossKind = "marker"
	LostOffset   LossKind = "offset"
	LostPromised LossKind = "promised event"
	LostRecord   LossKind = "record"
)

// Loss is the evidence that the log lost something.
type Loss struct {
	Kind      LossKind `json:"kind"`
	Partition int      `json:"partition"`
	Offset    int64    `json:"offset"`
	// Group and Rollout name the rollout concerned, for LostOffset and LostPromised.
	Group   int    `json:"group"`
	Rollout int    `json:"rollout"`
	Detail  string `json:"detail"`
}

// Settlement says who settled a shard. It never reaches a manifest.
type Settlement struct {
	Shard  string    `json:"shard"`
	Worker string    `json:"worker"`
	Drive  int       `json:"drive"`
	At     time.Time `json:"at"`
}

// Execution is the run of a rollout that counts.
type Execution struct {
	Group   int    `json:"group"`
	Rollout int    `json:"rollout"`
	Nonce   string `json:"nonce"`
	// Events is the number of events that the agent says it sent.
	Events       uint64     `json:"events"`
	Acknowledged []Position `json:"acknowledged,omitempty"`
	// Attempts is how many executions ended in the agent's own failure.
	Attempts int `json:"attempts"`
	// Executions is how many runs this handler started; all but one are superseded.
	Executions int `json:"executions"`
	// Reason is set when the rollout failed; then nothing of it is collected.
	Reason Reason `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// RolloutRecord settles a rollout shard: one execution per planned rollout of
// the shard, in the order of the plan.
type RolloutRecord struct {
	Format     string      `json:"format"`
	Done       Settlement  `json:"done"`
	Executions []Execution `json:"executions"`
}

// Counts says what a pass over a part of the log met.
type Counts struct {
	Records     int64 `json:"records"`
	Bytes       int64 `json:"bytes"`
	Events      int64 `json:"events"`
	Duplicates  int64 `json:"duplicates"`
	Superseded  int64 `json:"superseded"`
	Foreign     int64 `json:"foreign"`
	Quarantined int64 `json:"quarantined"`
}

// Quarantined names a record of the log that is no event.
type Quarantined struct {
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Reason    string `json:"reason"`
}

// Bucket is what an extract shard found for one assemble shard.
type Bucket struct {
	Assemble int      `json:"assemble"`
	Blob     blob.Ref `json:"blob"`
}

// ExtractRecord settles an extract shard: one partition, read once.
type ExtractRecord struct {
	Format     string        `json:"format"`
	Done       Settlement    `json:"done"`
	Buckets    []Bucket      `json:"buckets,omitempty"`
	Losses     []Loss        `json:"losses,omitempty"`
	Counts     Counts        `json:"counts"`
	Quarantine []Quarantined `json:"quarantine,omitempty"`
}

// Outcome is what collection says of one planned rollout.
type Outcome struct {
	Group   int    `json:"group"`
	Rollout int    `json:"rollout"`
	Nonce   string `json:"nonce,omitempty"`
	// Thread is the id of the thread that an offline job drew.
	Thread string `json:"thread,omitempty"`
	// Reason is why there is no sample, or empty.
	Reason    Reason `json:"reason,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Events    int    `json:"events"`
	Decisions int    `json:"decisions"`
	Attempts  int    `json:"attempts"`
	// Reward is the scored reward; nil where there is no sample.
	Reward *float64 `json:"reward,omitempty"`
	// Rewards are what Reward is the weighted sum of, in the order of
	// reward.components, nil for one that was not given. It is nil where there
	// is one reward, and in records of builds that did not know it.
	Rewards []*float64 `json:"rewards,omitempty"`
	// Sample is the canonical digest of the sample.
	Sample blob.Digest `json:"sample,omitempty"`
}

// CollectRecord settles a collect or an assemble shard: an outcome for each
// planned rollout of the shard's groups, in the order of the plan, and the
// Parquet blobs that hold the samples, in the same order. When the log lost
// something, Losses says so and there is nothing else.
type CollectRecord struct {
	Format     string        `json:"format"`
	Done       Settlement    `json:"done"`
	Outcomes   []Outcome     `json:"outcomes,omitempty"`
	Parts      []blob.Ref    `json:"parts,omitempty"`
	Losses     []Loss        `json:"losses,omitempty"`
	Counts     Counts        `json:"counts"`
	Quarantine []Quarantined `json:"quarantine,omitempty"`
}

// EvaluationRecord is the record of an evaluation's result.
type EvaluationRecord struct {
	Format string `json:"format"`
	Evaluation
}
