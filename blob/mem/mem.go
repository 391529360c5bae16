// Package mem is a blob.Bucket in memory: the contract without a disk, for
// tests and the simulation. It is deterministic; nothing outlives the process.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cohort-rl/cohort/blob"
)

// New returns an empty bucket.
func New() *Bucket { return &Bucket{objects: map[string]object{}} }

// Bucket is a blob.Bucket. Its methods look at the context once, when they
// begin.
type Bucket struct {
	mu      sync.Mutex // guards what follows
	objects map[string]object
	keys    []string // of objects, ascending
	writes  uint64
}

type object struct {
	body    []byte // never changed once stored
	version blob.Version
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	if err := begin(ctx, "get", key); err != nil {
		return blob.Object{}, err
	}
	b.mu.Lock()
	o, ok := b.objects[key]
	b.mu.Unlock()
	if !ok {
		return blob.Object{}, fmt.Errorf("get %s: %w", key, blob.ErrNotFound)
	}
	// An empty body is empty, never nil, as it is from any other store.
	return blob.Object{Info: o.info(key), Body: append([]byte{}, o.body...)}, nil
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	if err := blob.CheckPut(key, body, cond); err != nil {
		return "", err
	}
	if err := begin(ctx, "put", key); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old, ok := b.objects[key]
	if !cond.Holds(old.version, ok) {
		if ok && bytes.Equal(old.body, body) {
			return old.version, nil
		}
		return "", cond.Failed(key)
	}
	b.writes++
	version := blob.Version(strconv.FormatUint(b.writes, 10))
	b.objects[key] = object{body: bytes.Clone(body), version: version}
	if !ok {
		at, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Insert(b.keys, at, key)
	}
	return version, nil
}

// Head implements blob.Bucket.
func (b *Bucket) Head(ctx context.Context, key string) (blob.Info, error) {
	if err := begin(ctx, "head", key); err != nil {
		return blob.Info{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return blob.Info{}, fmt.Errorf("head %s: %w", key, blob.ErrNotFound)
	}
	return o.info(key), nil
}

// List implements blob.Bucket. What it yields was there when it began.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for _, check := range []error{blob.CheckPrefix(prefix), blob.CheckPrefix(after), ctx.Err()} {
			if check != nil {
				yield(blob.Info{}, fmt.Errorf("list %q: %w", prefix, check))
				return
			}
		}
		for _, info := range b.snapshot(prefix, after) {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, "delete", key); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, ok := slices.BinarySearch(b.keys, key); ok {
		b.keys = slices.Delete(b.keys, at, at+1)
		delete(b.objects, key)
	}
	return nil
}

func (b *Bucket) snapshot(prefix, after string) []blob.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, _ := slices.BinarySearch(b.keys, max(prefix, after))
	var found []blob.Info
	for _, key := range b.keys[at:] {
		if key == after {
			continue
		}
		if !strings.HasPrefix(key, prefix) {
			break
		}
		found = append(found, b.objects[key].info(key))
	}
	return found
}

func (o object) info(key string) blob.Info {
	return blob.Info{Key: key, Size: int64(len(o.body)), Version: o.version}
}

func begin(ctx context.Context, op, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return nil
}
