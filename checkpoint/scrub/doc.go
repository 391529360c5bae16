// Package scrub looks at every object of a job, or of a whole store, and says
// what is corrupt, missing or of no use: what refers to it, whether it can be
// computed again, and what can still be resumed from. It only reads, works
// beside any number of corrupt objects, and takes nothing on trust: neither the
// deployment nor a hint is needed.
package scrub

import (
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Depth is how closely a scrub looks.
type Depth int

// The depths. Checkpoints reads the log and the manifests, and compares the
// sizes of what they name. Records reads all small records too; Deep reads
// every byte of every object.
const (
	Checkpoints Depth = iota
	Records
	Deep
)

// Problem is what is wrong with an object, in a word.
type Problem string

// The problems.
const (
	Corrupt  Problem = "corrupt"  // its bytes are not those that were stored
	Missing  Problem = "missing"  // it is referred to, and not there
	Unknown  Problem = "unknown"  // it is whole, but of a format that this build does not read
	Mistaken Problem = "mistaken" // it is whole, but not what belongs in its place
)

// A Finding is an object that is not as it should be.
type Finding struct {
	Problem Problem `json:"problem"`
	Key     string  `json:"key"`
	Kind    Kind    `json:"kind"`
	// Detail is what was found, as a sentence.
	Detail string `json:"detail"`
	// Expected and Actual are digests: of the whole bytes for content, which is
	// named by it, and of what the seal covers for a sealed record. Each is empty
	// where it is not known.
	Expected blob.Digest `json:"expected,omitempty"`
	Actual   blob.Digest `json:"actual,omitempty"`
	// ExpectedSize is in bytes; nil where it is not known. Size is nil if there
	// is no object.
	ExpectedSize *int64 `json:"expected_size,omitempty"`
	Size         *int64 `json:"size,omitempty"`
	// ReferredBy says what refers to the object, the first few of them; nothing
	// refers to what is left over.
	ReferredBy []string `json:"referred_by"`
	// Recomputable says whether it can be made again from what is whole in the
	// store, and How from what, or why not.
	Recomputable bool   `json:"recomputable"`
	How          string `json:"how"`
}

// A Checkpoint is one that a log entry makes the job's newest, or an entry that
// cannot be read.
type Checkpoint struct {
	Job        job.ID      `json:"job"`
	Entry      int         `json:"entry"`
	Kind       job.Kind    `json:"kind,omitempty"`
	Generation int         `json:"generation"`
	Step       int         `json:"step"`
	ID         blob.Digest `json:"checkpoint,omitempty"`
	// Good says that nothing was found wrong with its entry, its manifest and
	// its tensors; else Problems says what.
	Good     bool     `json:"good"`
	Problems []string `json:"problems,omitempty"`
	// Recomputable says that what is wrong with it can be made again.
	Recomputable bool `json:"recomputable"`
	// Pruned says that it was taken out of use: tensors of it may be gone, which
	// is no finding. One that lost some is not good.
	Pruned bool `json:"pruned"`
	// Bytes is the size of what its manifest names, shared with others or not.
	Bytes  int64      `json:"bytes"`
	Totals job.Totals `json:"totals"`
	Reward *float64   `json:"reward,omitempty"`

	manifest string // key
	chunks   []string
	gone     int // chunks that were pruned
}

// Leftovers are objects that nothing refers to: of an open step, of collections
// that did not count, of writers that were killed.
type Leftovers struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// A Job is what a scrub says of a job.
type Job struct {
	Job         job.ID       `json:"job"`
	Ended       bool         `json:"ended"`
	Objects     int          `json:"objects"`
	Bytes       int64        `json:"bytes"`
	Checkpoints []Checkpoint `json:"checkpoints"`
	// Resume is the newest good checkpoint; nil if there is none.
	Resume *Checkpoint `json:"resume,omitempty"`
	// Unreferenced counts what nothing refers to; with Records or Deep.
	Unreferenced Leftovers `json:"unreferenced"`
	Findings     []Finding `json:"findings"`
}

// A Report is what a scrub says of a store. It is OK without a finding.
type Report struct {
	OK   bool  `json:"ok"`
	Deep bool  `json:"deep"`
	Jobs []Job `json:"jobs"`
	// Unreferenced counts what belongs to no job that is there.
	Unreferenced Leftovers `json:"unreferenced"`
	// Findings are those of objects that belong to no job.
	Findings []Finding `json:"findings"`
}
