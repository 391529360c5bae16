// Package records reads and creates the named JSON objects of the store. Each
// is sealed, and each is created if absent and then never changed, so whoever
// comes second reads what the first wrote and goes on from that.
package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
)

// Read returns the record at key, verified, and the digest of its bytes. A
// record that is not there is blob.ErrNotFound.
func Read[T any](ctx context.Context, b blob.Bucket, key, format string) (*T, blob.Digest, error) {
	object, err := b.Get(ctx, key)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", key, err)
	}
	v := new(T)
	if err := sealed.Open(object.Body, format, v); err != nil {
		return nil, "", fmt.Errorf("read %s: %w", key, err)
	}
	return v, blob.DigestOf(object.Body), nil
}

// Adopt creates the record at key, or returns the one that is there; existed
// says which. It is safe to repeat: after a put whose answer was lost it reads
// back what the store holds.
func Adopt[T any](ctx context.Context, b blob.Bucket, key, format string, mine *T) (adopted *T, existed bool, err error) {
	body, err := sealed.Seal(mine)
	if err != nil {
		return nil, false, fmt.Errorf("create %s: %w", key, err)
	}
	_, err = b.Put(ctx, key, body, blob.IfAbsent())
	switch {
	case err == nil:
		return mine, false, nil
	case errors.Is(err, blob.ErrExists), errors.Is(err, blob.ErrAmbiguous):
		theirs, digest, err := Read[T](ctx, b, key, format)
		if err != nil {
			return nil, false, err
		}
		return theirs, digest != blob.DigestOf(body), nil
	}
	return nil, false, fmt.Errorf("create %s: %w", key, err)
}

// Overwrite puts a record that is only a hint.
func Overwrite(ctx context.Context, b blob.Bucket, key string, v any) error {
	body, err := sealed.Seal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	if _, err := b.Put(ctx, key, body, blob.Always()); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}
