// Package metered is a blob.Bucket around another that tells an observer how
// each request came out and how long it took.
package metered

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Method names a kind of request.
type Method string

// The methods.
const (
	Get    Method = "get"
	Put    Method = "put"
	Head   Method = "head"
	List   Method = "list"
	Delete Method = "delete"
)

// Result says how a request came out.
type Result string

// The results. A condition that did not hold and an object that is not there are
// answers like others; weather is what may be tried again.
const (
	OK        Result = "ok"
	NotFound  Result = "not_found"
	Condition Result = "condition"
	Weather   Result = "weather"
	Cancelled Result = "cancelled"
	Failed    Result = "failed"
)

// Observer is told of each request when it has ended. It is called by several
// goroutines at once and returns at once. The time of a listing is without that
// of whoever takes the keys.
type Observer func(method Method, result Result, took time.Duration)

// Bucket is a blob.Bucket. It keeps the contract of the bucket it wraps and
// changes none of its answers.
type Bucket struct {
	inner blob.Bucket
	now   func() time.Time
	tell  Observer
}

// New wraps inner. now is a clock.
func New(inner blob.Bucket, now func() time.Time, tell Observer) *Bucket {
	return &Bucket{inner: inner, now: now, tell: tell}
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	began := b.now()
	object, err := b.inner.Get(ctx, key)
	b.tell(Get, resultOf(ctx, err), b.now().Sub(began))
	return object, err
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	began := b.now()
	version, err := b.inner.Put(ctx, key, body, cond)
	b.tell(Put, resultOf(ctx, err), b.now().Sub(began))
	return version, err
}

// Head implements blob.Bucket.
func (b *Bucket) Head(ctx context.Context, key string) (blob.Info, error) {
	began := b.now()
	info, err := b.inner.Head(ctx, key)
	b.tell(Head, resultOf(ctx, err), b.now().Sub(began))
	return info, err
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	began := b.now()
	err := b.inner.Delete(ctx, key)
	b.tell(Delete, resultOf(ctx, err), b.now().Sub(began))
	return err
}

// List implements blob.Bucket. A listing counts as one request however many
// pages the store gave it in.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		var took time.Duration
		var failed error
		began := b.now()
		for info, err := range b.inner.List(ctx, prefix, after) {
			took += b.now().Sub(began)
			failed = err
			more := yield(info, err)
			began = b.now()
			if !more {
				break
			}
		}
		b.tell(List, resultOf(ctx, failed), took+b.now().Sub(began))
	}
}

// resultOf is the result of a request that ended with err under ctx.
func resultOf(ctx context.Context, err error) Result {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, blob.ErrNotFound):
		return NotFound
	case errors.Is(err, blob.ErrExists), errors.Is(err, blob.ErrStale):
		return Condition
	case ctx.Err() != nil:
		return Cancelled
	case blob.Temporary(err):
		return Weather
	}
	return Failed
}
