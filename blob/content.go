package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// GetContent returns the body at key after it has verified that its digest is
// want; else a *CorruptError, and the body is not returned.
func GetContent(ctx context.Context, b Bucket, key string, want Digest) ([]byte, error) {
	object, err := b.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := Verify(key, object.Body, want); err != nil {
		return nil, err
	}
	return object.Body, nil
}

// Placed is what PutContent did. Quarantined is the key of the copy of a corrupt
// object that it replaced, and empty when there was none.
type Placed struct {
	Quarantined string
}

// PutContent makes the object at key hold body, whose digest the key or its
// referrers name: nothing but body is right there. What it finds there and is
// not body is corrupt; that is copied to quarantine and then replaced, unless it
// changes meanwhile. It is durable on return and safe to repeat.
func PutContent(ctx context.Context, b Bucket, key string, body []byte) (Placed, error) {
	const rounds = 8 // each lost to another writer of the same key
	var placed Placed
	cond := IfAbsent()
	for range rounds {
		_, err := b.Put(ctx, key, body, cond)
		if err == nil {
			return placed, nil
		}
		if !errors.Is(err, ErrExists) && !errors.Is(err, ErrStale) {
			return Placed{}, err
		}
		found, err := b.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			cond = IfAbsent()
			continue
		case err != nil:
			return Placed{}, fmt.Errorf("read back what exists: %w", err)
		case bytes.Equal(found.Body, body):
			return placed, nil
		}
		if placed.Quarantined, err = Quarantine(ctx, b, key, found.Body); err != nil {
			return Placed{}, err
		}
		cond = IfMatch(found.Version)
	}
	return Placed{}, fmt.Errorf("put %s: it keeps changing: %w", key, ErrConflict)
}

// QuarantinePrefix begins the keys of what was found corrupt; the key at which
// it was found follows.
const QuarantinePrefix = "quarantine/"

// Quarantine keeps body, found corrupt at key, under a key of its own and
// returns that: quarantine/<key>/<sha256>. It is safe to repeat.
func Quarantine(ctx context.Context, b Bucket, key string, body []byte) (string, error) {
	kept := QuarantinePrefix + key + "/" + string(DigestOf(body))
	if _, err := b.Put(ctx, kept, body, IfAbsent()); err != nil {
		return "", fmt.Errorf("keep the corrupt bytes of %s: %w", key, err)
	}
	return kept, nil
}
