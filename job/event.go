package job

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// An Event tells the machine what happened. Each effect is answered by the
// event named in its comment, or by EffectFailed; an event that no longer fits
// the state is ignored, so late and repeated ones do no harm.
type Event interface{ event() }

// The events.
type (
	// LogRead answers ReadLog: the first and the last entry, both nil for an
	// empty log, and the results of the evaluations that have one.
	// Before are the entries before Last that open steps rest on, the oldest
	// first: as many as the staleness, from no earlier generation than that of
	// Last. Damaged is set if a checkpoint is that the next steps need.
	LogRead struct {
		First, Last *Entry
		Before      []*Entry
		Results     []Evaluation
		Damaged     *Damaged
	}
	// Damaged says that a checkpoint which the steps after entry Entry, the newest,
	// need can neither be read nor computed again, for Reason; To is the newest
	// entry before it of which all such are whole, nil if there is none.
	Damaged struct {
		Entry  int
		To     *Entry
		Reason string
	}
	// CollectionLost says that a record of a collection, or a blob that one names,
	// is corrupt or gone.
	CollectionLost struct {
		Unit       Unit
		Collection int
		Loss       Loss
	}
	// WentBack answers GoBack: the checkpoints and markers of the rewind to put.
	WentBack struct{ Rewind *Rewind }
	// Prepared answers Prepare: the begin entry to put.
	Prepared struct{ Begin *Begin }
	// EntryRead answers PutEntry: what entry N is, ours or another's.
	EntryRead struct{ Entry *Entry }
	// PlanRead answers PutPlan. Existed says that the plan was there before.
	PlanRead struct {
		Plan    *Plan
		Existed bool
	}
	// TakenOver says that Drive took an unfinished phase over from another
	// process, and how many have done so.
	TakenOver struct {
		Unit Unit
		N    int
	}
	// OpenedRead answers Open.
	OpenedRead struct {
		Unit       Unit
		Collection int
		Marks      []Mark
	}
	// ShardSettled answers Drive, once a shard. One of the records is set, as
	// the shard's phase says; Digest is that of the record's bytes.
	ShardSettled struct {
		Shard   Shard
		Digest  blob.Digest
		Rollout *RolloutRecord
		Extract *ExtractRecord
		Collect *CollectRecord
	}
	// RangesRead answers PutRanges.
	RangesRead struct {
		Unit       Unit
		Collection int
		Ranges     *Ranges
	}
	// Updated answers Update: the commit to put.
	Updated struct {
		Step   int
		Commit *Commit
	}
	// ResultRead answers PutResult.
	ResultRead struct{ Evaluation Evaluation }
	// EndPrepared answers Finish: the end to put as Entry.
	EndPrepared struct {
		Entry int
		End   *End
	}
	// Retired answers Retire.
	Retired struct{}
	// CancelRead says that someone asked for the job to be cancelled.
	CancelRead struct{ Reason string }
	// PauseRead says that someone asked for the job to stand still; without a
	// Pause, to go on.
	PauseRead struct{ Pause *Pause }
	// Tick says for how long, in all, this process has driven the job while the
	// store could be reached, by its own monotonic clock.
	Tick struct{ Active time.Duration }
	// EffectFailed says that an effect cannot succeed, however often it is
	// tried. Unit is that of the effect, if it has one.
	EffectFailed struct {
		Unit   Unit
		Reason string
		Remedy string
	}
)

func (LogRead) event()        {}
func (Damaged) event()        {}
func (CollectionLost) event() {}
func (WentBack) event()       {}
func (Prepared) event()       {}
func (EntryRead) event()      {}
func (PlanRead) event()       {}
func (TakenOver) event()      {}
func (OpenedRead) event()     {}
func (ShardSettled) event()   {}
func (RangesRead) event()     {}
func (Updated) event()        {}
func (ResultRead) event()     {}
func (EndPrepared) event()    {}
func (Retired) event()        {}
func (CancelRead) event()     {}
func (PauseRead) event()      {}
func (Tick) event()           {}
func (EffectFailed) event()   {}
