package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
)

// Mended is what Mend found. Quarantined is the key of the copy of a corrupt
// record that it replaced, and empty when there was none.
type Mended[T any] struct {
	Record      *T
	Existed     bool
	Quarantined string
}

// Mend is Adopt for a record that whoever makes it makes alike, so that a
// corrupt one can be made again: that is kept in quarantine and then replaced
// by mine, unless it changes meanwhile. It is safe to repeat.
func Mend[T any](ctx context.Context, b blob.Bucket, key, format string, mine *T) (Mended[T], error) {
	const rounds = 8 // each lost to another writer of the same key
	quarantined := ""
	for range rounds {
		adopted, existed, err := Adopt(ctx, b, key, format, mine)
		if err == nil || !errors.Is(err, blob.ErrCorrupt) {
			return Mended[T]{adopted, existed && quarantined == "", quarantined}, err
		}
		object, err := b.Get(ctx, key)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err != nil {
			return Mended[T]{}, fmt.Errorf("mend %s: %w", key, err)
		}
		if sealed.Open(object.Body, format, new(T)) == nil {
			continue // mended by another meanwhile
		}
		if quarantined, err = blob.Quarantine(ctx, b, key, object.Body); err != nil {
			return Mended[T]{}, err
		}
		body, err := sealed.Seal(mine)
		if err != nil {
			return Mended[T]{}, fmt.Errorf("mend %s: %w", key, err)
		}
		if _, err := b.Put(ctx, key, body, blob.IfMatch(object.Version)); err != nil && !errors.Is(err, blob.ErrStale) && !errors.Is(err, blob.ErrAmbiguous) {
			return Mended[T]{}, fmt.Errorf("mend %s: %w", key, err)
		}
	}
	return Mended[T]{}, fmt.Errorf("mend %s: it keeps changing: %w", key, blob.ErrConflict)
}

// Remake is Mend with the answer of Adopt.
func Remake[T any](ctx context.Context, b blob.Bucket, key, format string, mine *T) (adopted *T, existed bool, err error) {
	m, err := Mend(ctx, b, key, format, mine)
	return m.Record, m.Existed, err
}
