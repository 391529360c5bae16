package checkpoint

import (
	"fmt"

	"github.com/cohort-rl/cohort/blob"
)

// Limits bound a checkpoint. Writer and reader use the same: what one accepts
// the other accepts.
type Limits struct {
	Manifest int64 // bytes of a manifest
	Chunk    int64 // bytes of a chunk
	State    int64 // bytes of all tensors together
}

// DefaultLimits are those of Save and Load.
func DefaultLimits() Limits {
	return Limits{Manifest: 16 << 20, Chunk: blob.MaxObject, State: 64 << 30}
}

// check refuses a manifest whose tensors contradict themselves or are too large.
func (l Limits) check(m *Manifest) error {
	var state int64
	for _, t := range m.tensors() {
		if err := t.check(l.Chunk); err != nil {
			return err
		}
		if state += t.size(); state > l.State {
			return fmt.Errorf("%w: its tensors have more than %d bytes", ErrInvalid, l.State)
		}
	}
	return nil
}
