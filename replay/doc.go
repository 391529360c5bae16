// Package replay computes committed steps again from what the store holds:
// from its parent, its batch and the records of its collection each checkpoint
// follows bit for bit, so equal ids are the proof that it came from those
// traces, and what was lost of it can be put back. It only reads.
package replay

import "errors"

// Errors that callers tell apart.
var (
	// ErrNumerics says that the checkpoint was computed with other arithmetic
	// than this build's, which would give other bits.
	ErrNumerics = errors.New("computed with other numerics")
	// ErrDiffers says that what is stored does not follow from what it is said
	// to follow from.
	ErrDiffers = errors.New("does not follow from what is stored")
)
