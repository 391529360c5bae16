package job

import "github.com/cohort-rl/cohort/blob"

// An Effect is something that the machine wants done. All of them may be done
// at once and in any order, and doing one twice does no harm: what is created
// is created if absent, and what is there is read back.
type Effect interface{ effect() }

// OpenStep is what became of the rollouts of a step that a job's end cuts off.
type OpenStep struct {
	Step   int
	Rounds []Round
	Rows   []Row
}

// The effects.
type (
	// ReadLog reads the first and the last entry of the log.
	ReadLog struct{}
	// Prepare creates the topic, appends its first markers and stores the
	// checkpoint that the job starts from.
	Prepare struct{}
	// PutEntry creates an entry of the log, or reads the one that is there.
	PutEntry struct{ Entry Entry }
	// PutPlan creates a unit's plan, or reads the one that is there.
	PutPlan struct{ Plan *Plan }
	// Open reads the opening markers of a collection; if there are none, it
	// appends markers and creates the record.
	Open struct {
		Unit       Unit
		Collection int
	}
	// Drive sees to it that shards 0..Count-1 of a phase are settled, and
	// answers each with its record. Resuming says that another process, or an
	// earlier life of this one, may have begun the phase: if it left shards
	// open, the take-over is recorded and told. Again says that this process
	// drove the phase before the job stood still: some shards may be settled.
	Drive struct {
		Unit       Unit
		Plan       *Plan
		Collection int
		Phase      Phase
		Count      int
		Resuming   bool
		Again      bool
	}
	// Abandon stops driving the unit's shards, those of an update included. It
	// has no answer.
	Abandon struct{ Unit Unit }
	// PutRanges reads the ranges of a collection; if there are none, it appends
	// the closing markers, verifies both ends and creates the record.
	PutRanges struct {
		Unit       Unit
		Collection int
		Opening    []Mark
		Settled    []blob.Digest
	}
	// GoBack copies the checkpoint of To, those that the steps after it are
	// planned under, and the one before them if that is whole, into the folders of
	// a new generation, and appends the markers with which that begins. It is to become Entry.
	GoBack struct {
		Entry      int
		Generation int
		To         *Entry
	}
	// Update computes step's weights from its rounds and stores everything that
	// its commit names.
	Update struct {
		Step       int
		Generation int
		Parent     Checkpoint
		Rounds     []Round
		Rows       []Row
		Marks      []Mark
		// Resuming says that another process may have begun the update; Again,
		// that this one may have, before the job stood still.
		Resuming, Again bool
	}
	// PutResult creates the result of an evaluation, or reads the one that is there.
	PutResult struct {
		Unit       Unit
		Evaluation Evaluation
	}
	// Finish stores a ledger of each open step and prepares the end,
	// which is to become Entry.
	Finish struct {
		Entry   int
		Verdict Verdict
		Reason  string
		Remedy  string
		// Open are the steps that were open, in their order; their ledgers lie
		// under Generation.
		Generation int
		Open       []OpenStep
	}
	// Report rewrites the hint of the job's progress. It has no answer.
	Report struct{ Head Head }
	// Retire takes an ended job from the list of active ones.
	Retire struct{}
)

func (ReadLog) effect()   {}
func (Prepare) effect()   {}
func (PutEntry) effect()  {}
func (PutPlan) effect()   {}
func (Open) effect()      {}
func (Drive) effect()     {}
func (Abandon) effect()   {}
func (PutRanges) effect() {}
func (GoBack) effect()    {}
func (Update) effect()    {}
func (PutResult) effect() {}
func (Finish) effect()    {}
func (Report) effect()    {}
func (Retire) effect()    {}
