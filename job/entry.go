package job

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Kind is what a log entry does.
type Kind string

// The kinds of entries. A rewind opens a new generation.
const (
	KindBegin  Kind = "begin"
	KindCommit Kind = "commit"
	KindRewind Kind = "rewind"
	KindEnd    Kind = "end"
)

// An Entry is one entry of the job's log: exactly one of Begin, Commit, Rewind
// and End is set, as Kind says.
type Entry struct {
	Format     string    `json:"format"`
	N          int       `json:"n"`
	Kind       Kind      `json:"kind"`
	Generation int       `json:"generation"`
	At         time.Time `json:"at"`
	Begin      *Begin    `json:"begin,omitempty"`
	Commit     *Commit   `json:"commit,omitempty"`
	Rewind     *Rewind   `json:"rewind,omitempty"`
	End        *End      `json:"end,omitempty"`
	// Restated says that the entry was lost and written anew from what surrounds
	// it, and what of it is not what it was.
	Restated string `json:"restated,omitempty"`
}

// Begin fixes the arithmetic, the topic, where its first range begins, and the
// checkpoint from which the job starts.
type Begin struct {
	Numerics   string     `json:"numerics"`
	Topic      string     `json:"topic"`
	Marks      []Mark     `json:"marks"`
	Checkpoint Checkpoint `json:"checkpoint"`
	// Start says where the checkpoint came from; empty for a fresh start.
	Start string `json:"start,omitempty"`
	// Earlier are copies of the checkpoints before it, the newest last, that the
	// first steps are planned under: of a job with staleness that continues.
	Earlier []Checkpoint `json:"earlier,omitempty"`
}

// A Checkpoint says where the blobs of a manifest lie.
type Checkpoint struct {
	Step     int         `json:"step"`
	Manifest blob.Digest `json:"manifest"`
	Weights  blob.Digest `json:"weights"`
	// Folder is where the manifest lies; Places is where each blob that it
	// names lies, in the manifest's order, each once.
	Folder Folder  `json:"folder"`
	Places []Place `json:"places"`
}

// A Folder is the place of a step's blobs.
type Folder struct {
	Generation int `json:"generation"`
	Step       int `json:"step"`
}

// A Place says in which folder a blob lies.
type Place struct {
	Digest blob.Digest `json:"digest"`
	Size   int64       `json:"size"`
	Folder Folder      `json:"folder"`
}

// Commit makes a manifest the job's step.
type Commit struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Batch      BatchRef   `json:"batch"`
	Ledger     LedgerRef  `json:"ledger"`
	Rounds     []RoundRef `json:"rounds"`
	// Marks is where the first range begins of the next step that is planned under
	// this checkpoint.
	Marks   []Mark   `json:"marks"`
	Metrics []Metric `json:"metrics"`
	// Totals counts the rollouts of all steps of the job up to this one.
	Totals Totals `json:"totals"`
	// Pending are the evaluations that had no result when the step was
	// committed, this checkpoint's included if it is due.
	Pending []Pending `json:"pending,omitempty"`
}

// Pending is an evaluation that is due: of the checkpoint of an entry.
type Pending struct {
	Step   int       `json:"step"`
	Policy PolicyRef `json:"policy"`
}

// RoundRef names the collection of a round that the commit rests on.
type RoundRef struct {
	Round      int `json:"round"`
	Collection int `json:"collection"`
	// Policy is what its rollouts ran under, of a job with staleness; else it is
	// the checkpoint that the step went on from.
	Policy *PolicyRef `json:"policy,omitempty"`
}

// BatchRef names a batch: its canonical digest, and the Parquet blobs (in the
// folder of the commit's step) that hold its samples and the round each is of.
type BatchRef struct {
	Digest blob.Digest `json:"digest"`
	Parts  []BatchPart `json:"parts"`
}

// BatchPart is one Parquet blob of a batch.
type BatchPart struct {
	Round int      `json:"round"`
	Blob  blob.Ref `json:"blob"`
}

// LedgerRef names a step's ledger: its totals and its Parquet blobs, which lie
// in the folder of the step.
type LedgerRef struct {
	Step   int        `json:"step"`
	Totals Totals     `json:"totals"`
	Parts  []blob.Ref `json:"parts"`
}

// Metric is a named figure of a step.
type Metric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Verdict is how a job ended.
type Verdict string

// The verdicts.
const (
	Done      Verdict = "done"
	Broken    Verdict = "failed"
	Cancelled Verdict = "cancelled"
)

// End is the last entry of a log.
type End struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"`
	Remedy  string  `json:"remedy,omitempty"`
	// Ledgers holds one ledger for each step that was open.
	Ledgers     []LedgerRef  `json:"ledgers,omitempty"`
	Evaluations []Evaluation `json:"evaluations,omitempty"`
}

// Evaluation is the result of one evaluation.
type Evaluation struct {
	Step     int         `json:"step"`
	Manifest blob.Digest `json:"manifest"`
	// Mean is the mean reward of the Scored rollouts; a rollout without a
	// reward counts as not scored.
	Mean   float64 `json:"mean"`
	Scored int     `json:"scored"`
	Totals Totals  `json:"totals"`
	// Incomplete says why there is no whole result.
	Incomplete string `json:"incomplete,omitempty"`
}

// NewCheckpoint is the checkpoint that the entry makes the job's newest; ok is
// false for an end.
func (e *Entry) NewCheckpoint() (c Checkpoint, ok bool) {
	switch {
	case e.Begin != nil:
		return e.Begin.Checkpoint, true
	case e.Commit != nil:
		return e.Commit.Checkpoint, true
	case e.Rewind != nil:
		return e.Rewind.Checkpoint, true
	}
	return Checkpoint{}, false
}

// Opening is where the first range after the entry begins.
func (e *Entry) Opening() []Mark {
	switch {
	case e.Begin != nil:
		return e.Begin.Marks
	case e.Commit != nil:
		return e.Commit.Marks
	case e.Rewind != nil:
		return e.Rewind.Marks
	}
	return nil
}

// Counted counts the rollouts of the steps up to the entry.
func (e *Entry) Counted() Totals {
	switch {
	case e.Commit != nil:
		return e.Commit.Totals
	case e.Rewind != nil:
		return e.Rewind.Totals
	}
	return Totals{}
}

// Due are the evaluations that had no result when the entry was made.
func (e *Entry) Due() []Pending {
	switch {
	case e.Commit != nil:
		return e.Commit.Pending
	case e.Rewind != nil:
		return e.Rewind.Pending
	}
	return nil
}
