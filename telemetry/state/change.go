package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Errors of states. Both are final.
var (
	// ErrInvalid says that a value has no JSON form, or that a Change
	// contradicts itself.
	ErrInvalid = errors.New("invalid state")
	// ErrTooLarge says that a state or a patch is over the Limits.
	ErrTooLarge = errors.New("state is over the limit")
)

// Kind says what a Change holds. The numbers are those on the wire.
type Kind uint8

// Kinds of changes.
const (
	Full  Kind = 1
	Patch Kind = 2
)

// Reason says why a state was sent whole. The numbers are those on the wire.
type Reason uint8

// Reasons for sending a state whole.
const (
	// None is the reason of a patch.
	None Reason = 0
	// First says that there was no version before it.
	First Reason = 1
	// Interval says that it was time for a key frame.
	Interval Reason = 2
	// AfterFailure says that the version before it was refused, dropped or not
	// delivered.
	AfterFailure Reason = 3
	// Larger says that the patch is no smaller than the state.
	Larger Reason = 4
	// Operations says that the patch has more operations than allowed.
	Operations Reason = 5
	// PatchFailed says that there is no patch, or that it does not lead to the
	// state.
	PatchFailed Reason = 6
)

// reasons is how many there are, None included.
const reasons = 7

// Change is one version of a state.
type Change struct {
	Kind   Kind
	Reason Reason
	// Document is the state in its canonical form, or a JSON Patch.
	Document []byte
	// SHA256 is that of the canonical form of the state, the patch applied.
	SHA256 []byte
	// Version counts the versions that were admitted, from 1.
	Version uint64
	// Base is the version that a patch applies to.
	Base uint64
}

// Limits bounds what writers send and readers take. Both need the same.
type Limits struct {
	// Bytes bounds the canonical form of a state, and so every patch.
	Bytes int
	// Operations bounds those of a patch.
	Operations int
	// Depth bounds how deep arrays and objects lie in each other.
	Depth int
	// Names bounds how many states one thread has.
	Names int
}

// DefaultLimits leaves room for a state in an event of telemetry's defaults.
func DefaultLimits() Limits {
	return Limits{Bytes: 768 << 10, Operations: 1024, Depth: 64, Names: 64}
}

// Validate reports the first bound that cannot hold.
func (l Limits) Validate() error {
	for _, b := range []struct {
		name       string
		value, max int
	}{{"Bytes", l.Bytes, 1 << 30}, {"Operations", l.Operations, 1 << 20}, {"Depth", l.Depth, 1000}, {"Names", l.Names, 1 << 20}} {
		if b.value < 1 || b.value > b.max {
			return fmt.Errorf("state limit %s is %d, allowed is 1 to %d", b.name, b.value, b.max)
		}
	}
	return nil
}

// Check reports the first field of a change that contradicts the others or is
// out of its bounds. The document is not looked into.
func (c Change) Check(limits Limits) error {
	switch {
	case c.Kind != Full && c.Kind != Patch:
		return fmt.Errorf("%w: kind is %d", ErrInvalid, c.Kind)
	case c.Reason >= reasons || (c.Kind == Patch) != (c.Reason == None):
		return fmt.Errorf("%w: reason of kind %d is %d", ErrInvalid, c.Kind, c.Reason)
	case len(c.Document) > limits.Bytes:
		return fmt.Errorf("%w: document of %d bytes, allowed are %d", ErrTooLarge, len(c.Document), limits.Bytes)
	case len(c.SHA256) != sha256.Size:
		return fmt.Errorf("%w: SHA-256 has %d bytes", ErrInvalid, len(c.SHA256))
	case c.Version == 0:
		return fmt.Errorf("%w: version is 0", ErrInvalid)
	case c.Kind == Full && c.Base != 0:
		return fmt.Errorf("%w: a whole state has base %d", ErrInvalid, c.Base)
	case c.Kind == Patch && (c.Base == 0 || c.Base >= c.Version):
		return fmt.Errorf("%w: version %d has base %d", ErrInvalid, c.Version, c.Base)
	}
	return nil
}
