// Package overlay is a bucket on which one can write without changing what is
// below: to see what something would do to a store.
package overlay

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/cohort-rl/cohort/blob"
)

// Bucket shows what is below it, changed by what was written to it.
type Bucket struct {
	below, above blob.Bucket

	mu   sync.Mutex // guards gone, and what is written
	gone map[string]bool
}

// New returns a bucket that shows what below holds and keeps all writes in
// above, which is empty.
func New(below, above blob.Bucket) *Bucket {
	return &Bucket{below: below, above: above, gone: map[string]bool{}}
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	object, err := b.above.Get(ctx, key)
	if !errors.Is(err, blob.ErrNotFound) || b.deleted(key) {
		return object, err
	}
	return b.below.Get(ctx, key)
}

// Head implements blob.Bucket.
func (b *Bucket) Head(ctx context.Context, key string) (blob.Info, error) {
	info, err := b.above.Head(ctx, key)
	if !errors.Is(err, blob.ErrNotFound) || b.deleted(key) {
		return info, err
	}
	return b.below.Head(ctx, key)
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	if err := blob.CheckPut(key, body, cond); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone[key] {
		return b.above.Put(ctx, key, body, cond)
	}
	_, err := b.above.Head(ctx, key)
	if !errors.Is(err, blob.ErrNotFound) {
		return b.above.Put(ctx, key, body, cond)
	}
	old, err := b.below.Get(ctx, key)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return "", err
	}
	exists := err == nil
	if !cond.Holds(old.Version, exists) {
		if exists && bytes.Equal(old.Body, body) {
			return old.Version, nil
		}
		return "", cond.Failed(key)
	}
	return b.above.Put(ctx, key, body, blob.Always())
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.above.Delete(ctx, key); err != nil {
		return err
	}
	b.gone[key] = true
	return nil
}

// List implements blob.Bucket.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		next, stop := iter.Pull2(b.above.List(ctx, prefix, after))
		defer stop()
		written, err, more := next()
		for info, belowErr := range b.below.List(ctx, prefix, after) {
			for more && err == nil && belowErr == nil && written.Key < info.Key {
				if !yield(written, nil) {
					return
				}
				written, err, more = next()
			}
			switch {
			case err != nil || belowErr != nil:
				yield(blob.Info{}, errors.Join(err, belowErr))
				return
			case more && written.Key == info.Key:
				info = written
				written, err, more = next()
			case b.deleted(info.Key):
				continue
			}
			if !yield(info, nil) {
				return
			}
		}
		for ; more; written, err, more = next() {
			if !yield(written, err) || err != nil {
				return
			}
		}
	}
}

// deleted says whether the key was deleted, so that what lies below is hidden.
func (b *Bucket) deleted(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone[key]
}
