package state

import "sync/atomic"

// Counters counts what writers did. The zero value is ready, and safe for
// concurrent use.
type Counters struct {
	admitted [reasons]atomic.Uint64 // by reason; None is the patches
	refused  atomic.Uint64
}

// Counts says how states were sent. All but Refused were admitted.
type Counts struct {
	Patches uint64 `json:"patches"`
	// First to PatchFailed were sent whole, by Reason.
	First        uint64 `json:"first"`
	Interval     uint64 `json:"interval"`
	AfterFailure uint64 `json:"after_failure"`
	Larger       uint64 `json:"larger"`
	Operations   uint64 `json:"operations"`
	PatchFailed  uint64 `json:"patch_failed"`
	// Refused were not sent: no JSON, over a limit, or not admitted.
	Refused uint64 `json:"refused"`
}

// Counts returns the counts of this moment.
func (c *Counters) Counts() Counts {
	return Counts{
		Patches: c.admitted[None].Load(), First: c.admitted[First].Load(), Interval: c.admitted[Interval].Load(),
		AfterFailure: c.admitted[AfterFailure].Load(), Larger: c.admitted[Larger].Load(),
		Operations: c.admitted[Operations].Load(), PatchFailed: c.admitted[PatchFailed].Load(),
		Refused: c.refused.Load(),
	}
}
