package job

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Stage is what a job is doing, in a word.
type Stage string

// The stages.
const (
	StageWaiting    Stage = "waiting"
	StageStarting   Stage = "starting"
	StageRollouts   Stage = "rollouts"
	StageCollecting Stage = "collecting"
	StageUpdating   Stage = "updating"
	StageReady      Stage = "ready"
	StageEvaluating Stage = "evaluating"
	StageEnding     Stage = "ending"
	StageEnded      Stage = "ended"
)

// Head is the hint of a job's progress that the CLI reads. It may be behind
// the log, never ahead of it, and nothing is decided by it.
type Head struct {
	Format string `json:"format"`
	// Entry is the number of the log's last entry, -1 when it is empty.
	Entry      int   `json:"entry"`
	Generation int   `json:"generation"`
	Stage      Stage `json:"stage"`
	// Paused is set while the job stands still.
	Paused *Pause `json:"paused,omitempty"`
	Step   int    `json:"step"`
	Steps  int    `json:"steps"`
	// Open are the steps that are under way, in their order, of a job with
	// staleness.
	Open       []Underway  `json:"open,omitempty"`
	Checkpoint blob.Digest `json:"checkpoint,omitempty"`
	// Totals counts the rollouts of all steps committed so far.
	Totals Totals `json:"totals"`
	// Metrics are those of the last commit.
	Metrics     []Metric     `json:"metrics,omitempty"`
	Evaluations []Evaluation `json:"evaluations,omitempty"`
	End         *End         `json:"end,omitempty"`
	// Damage is what was lately found corrupt or missing, and what was done.
	Damage []Damage  `json:"damage,omitempty"`
	At     time.Time `json:"at"`
}

// Underway is a step that is open, its newest round, and what is done for it. A
// step that is ready waits for the update of the one before it.
type Underway struct {
	Step  int   `json:"step"`
	Round int   `json:"round"`
	Stage Stage `json:"stage"`
}

// MaxDamage is how much of what was found corrupt or missing a head tells.
const MaxDamage = 20

// Damage is something of the job's that was found corrupt or missing.
type Damage struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}
