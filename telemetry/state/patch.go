package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/wI2L/jsondiff"
)

// diff returns the patch that leads from one canonical state to another, and
// how many operations it has.
func diff(from, to []byte) (patch []byte, operations int, err error) {
	defer recoverTo(&err)
	found, err := jsondiff.CompareJSON(from, to, jsondiff.UnmarshalFunc(exactly))
	if err != nil {
		return nil, 0, fmt.Errorf("compare states: %w", err)
	}
	if len(found) == 0 {
		return []byte("[]"), 0, nil
	}
	patch, err = json.Marshal(found)
	return patch, len(found), err
}

// exactly decodes JSON without making doubles of numbers.
func exactly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// apply returns the canonical state that a patch leads to.
func apply(base, patch []byte, limits Limits) (to []byte, err error) {
	defer recoverTo(&err)
	if d := depth(patch); d > limits.Depth+2 { // a list of operations
		return nil, fmt.Errorf("%w: patch has depth %d", ErrTooLarge, d)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: patch: %w", ErrInvalid, err)
	case len(operations) > limits.Operations:
		return nil, fmt.Errorf("%w: patch of %d operations, allowed are %d", ErrTooLarge, len(operations), limits.Operations)
	case len(operations) == 0:
		return base, nil
	}
	options := jsonpatch.NewApplyOptions()
	options.SupportNegativeIndices = false // RFC 6902 knows none
	options.AccumulatedCopySizeLimit = int64(limits.Bytes)
	text, err := operations.ApplyWithOptions(base, options)
	if err != nil {
		return nil, fmt.Errorf("%w: apply patch: %w", ErrInvalid, err)
	}
	return Canonical(text, limits)
}

// recoverTo makes an error of a panic in a library that reads what came from
// outside.
func recoverTo(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("%w: %v", ErrInvalid, cause)
	}
}
