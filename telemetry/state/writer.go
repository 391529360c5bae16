package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// Writer turns the values of one state into changes. It is not safe for
// concurrent use.
type Writer struct {
	limits   Limits
	interval int
	counters *Counters

	base    []byte // canonical form of the version admitted last
	version uint64 // of it; 0 before the first
	patches int    // admitted since the last key frame
	failed  bool   // the version recorded last may be missing in the log
}

// NewWriter returns a writer that sends every interval-th state whole, at least
// 1, and counts into counters.
func NewWriter(limits Limits, interval int, counters *Counters) (*Writer, error) {
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	if interval < 1 {
		return nil, fmt.Errorf("interval of key frames is %d, must be at least 1", interval)
	}
	return &Writer{limits: limits, interval: interval, counters: counters}, nil
}

// Record hands the change to a value to admit. Only if that returns nil the
// value is the base of the next change; after every error the next one is a key
// frame. The errors are admit's own, ErrInvalid and ErrTooLarge.
func (w *Writer) Record(value any, admit func(Change) error) error {
	change, state, err := w.next(value)
	if err == nil {
		err = admit(change)
	}
	if err != nil {
		w.failed = true
		w.counters.refused.Add(1)
		return err
	}
	w.base, w.version, w.failed = state, change.Version, false
	w.patches++
	if change.Kind == Full {
		w.patches = 0
	}
	w.counters.admitted[change.Reason].Add(1)
	return nil
}

// Lost says that a version that was admitted may never have reached the log. The
// next one is a key frame.
func (w *Writer) Lost() { w.failed = true }

func (w *Writer) next(value any) (Change, []byte, error) {
	state, err := encode(value, w.limits)
	if err != nil {
		return Change{}, nil, err
	}
	sum := sha256.Sum256(state)
	c := Change{Kind: Full, Document: state, SHA256: sum[:], Version: w.version + 1}
	if patch, reason := w.patch(state); reason == None {
		c.Kind, c.Document, c.Base = Patch, patch, w.version
	} else {
		c.Reason = reason
	}
	return c, state, nil
}

// patch returns the patch to a state, or why there is none to send.
func (w *Writer) patch(state []byte) ([]byte, Reason) {
	switch {
	case w.failed:
		return nil, AfterFailure
	case w.version == 0:
		return nil, First
	case w.patches+1 >= w.interval:
		return nil, Interval
	}
	patch, operations, err := diff(w.base, state)
	switch {
	case err != nil:
		return nil, PatchFailed
	case len(patch) >= len(state):
		return nil, Larger
	case operations > w.limits.Operations:
		return nil, Operations
	}
	// What readers will do is done here first.
	if got, err := apply(w.base, patch, w.limits); err != nil || !bytes.Equal(got, state) {
		return nil, PatchFailed
	}
	return patch, None
}
