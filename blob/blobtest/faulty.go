package blobtest

import (
	"context"
	"iter"

	"github.com/cohort-rl/cohort/blob"
)

// Fault is what befalls one call. With Before the call is not made; with After
// it is made and its result is lost. Both nil: nothing befalls it.
type Fault struct{ Before, After error }

// Faulty is a blob.Bucket that fails on purpose.
type Faulty struct {
	blob.Bucket
	next func(op, key string) Fault
}

// NewFaulty wraps inner. next decides the fault of each call (op is get, put,
// head, list or delete; list is asked once per object) and is called by several
// goroutines at once.
func NewFaulty(inner blob.Bucket, next func(op, key string) Fault) *Faulty {
	return &Faulty{Bucket: inner, next: next}
}

// fault spares calls that do no I/O: the wrapped bucket refuses those.
func (f *Faulty) fault(ctx context.Context, op, key string) Fault {
	if ctx.Err() != nil || blob.CheckKey(key) != nil {
		return Fault{}
	}
	return f.next(op, key)
}

// Get implements blob.Bucket.
func (f *Faulty) Get(ctx context.Context, key string) (blob.Object, error) {
	fault := f.fault(ctx, "get", key)
	if fault.Before != nil {
		return blob.Object{}, fault.Before
	}
	object, err := f.Bucket.Get(ctx, key)
	if fault.After != nil {
		return blob.Object{}, fault.After
	}
	return object, err
}

// Put implements blob.Bucket.
func (f *Faulty) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	fault := f.fault(ctx, "put", key)
	if fault.Before != nil {
		return "", fault.Before
	}
	version, err := f.Bucket.Put(ctx, key, body, cond)
	if fault.After != nil {
		return "", fault.After
	}
	return version, err
}

// Head implements blob.Bucket.
func (f *Faulty) Head(ctx context.Context, key string) (blob.Info, error) {
	fault := f.fault(ctx, "head", key)
	if fault.Before != nil {
		return blob.Info{}, fault.Before
	}
	info, err := f.Bucket.Head(ctx, key)
	if fault.After != nil {
		return blob.Info{}, fault.After
	}
	return info, err
}

// List implements blob.Bucket.
func (f *Faulty) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for info, err := range f.Bucket.List(ctx, prefix, after) {
			fault := f.fault(ctx, "list", info.Key)
			if fault.Before != nil {
				yield(blob.Info{}, fault.Before)
				return
			}
			if !yield(info, err) {
				return
			}
			if fault.After != nil {
				yield(blob.Info{}, fault.After)
				return
			}
		}
	}
}

// Delete implements blob.Bucket.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	fault := f.fault(ctx, "delete", key)
	if fault.Before != nil {
		return fault.Before
	}
	err := f.Bucket.Delete(ctx, key)
	if fault.After != nil {
		return fault.After
	}
	return err
}
