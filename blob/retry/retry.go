// Package retry is a blob.Bucket around another that waits out weather: it
// repeats calls that failed for a temporary reason, with growing, jittered
// pauses and within a budget. Repeating a Put is safe by the bucket's contract;
// after an ambiguous one it reads back what is there before it sends the body
// again.
package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Policy bounds the retries of each call.
type Policy struct {
	Attempts int           // calls in all, at least 1
	First    time.Duration // the longest pause before the second attempt; it doubles with each
	Longest  time.Duration // the longest pause
	Budget   time.Duration // once so much time has passed no attempt is begun
}

// Default is patient for about half a minute.
func Default() Policy {
	return Policy{Attempts: 10, First: 50 * time.Millisecond, Longest: 5 * time.Second, Budget: 30 * time.Second}
}

// Bucket is a blob.Bucket. It keeps the contract of the bucket it wraps, and
// returns that one's last error when it gives up.
type Bucket struct {
	inner  blob.Bucket
	policy Policy
	now    func() time.Time
	random func() float64
}

// New wraps inner. now is a clock; random returns numbers in [0, 1) that spread
// the pauses, and is called by several goroutines at once.
func New(inner blob.Bucket, policy Policy, now func() time.Time, random func() float64) *Bucket {
	return &Bucket{inner: inner, policy: policy, now: now, random: random}
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (object blob.Object, err error) {
	err = b.repeat(ctx, func() error {
		object, err = b.inner.Get(ctx, key)
		return err
	})
	return object, err
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (version blob.Version, err error) {
	ambiguous := false
	err = b.repeat(ctx, func() error {
		if ambiguous {
			var done bool
			if version, done, err = b.readBack(ctx, key, body, cond); done || err != nil {
				return err
			}
		}
		version, err = b.inner.Put(ctx, key, body, cond)
		ambiguous = ambiguous || errors.Is(err, blob.ErrAmbiguous)
		return err
	})
	return version, err
}

// readBack looks whether an earlier attempt was stored. done is false when the
// body has to be sent again.
func (b *Bucket) readBack(ctx context.Context, key string, body []byte, cond blob.Condition) (version blob.Version, done bool, err error) {
	found, err := b.inner.Get(ctx, key)
	exists := err == nil
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return "", false, fmt.Errorf("read back after %w: %w", blob.ErrAmbiguous, err)
	}
	switch {
	case exists && bytes.Equal(found.Body, body):
		return found.Version, true, nil
	case cond.Holds(found.Version, exists):
		return "", false, nil
	default:
		return "", true, cond.Failed(key)
	}
}

// Head implements blob.Bucket.
func (b *Bucket) Head(ctx context.Context, key string) (info blob.Info, err error) {
	err = b.repeat(ctx, func() error {
		info, err = b.inner.Head(ctx, key)
		return err
	})
	return info, err
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	return b.repeat(ctx, func() error { return b.inner.Delete(ctx, key) })
}

// List implements blob.Bucket. A listing that breaks goes on after the last key
// it gave; each key that it gives renews the attempts and the budget.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for {
			progress, stopped := false, false
			err := b.repeat(ctx, func() error {
				for info, err := range b.inner.List(ctx, prefix, after) {
					if err != nil {
						return err
					}
					after, progress = info.Key, true
					if !yield(info, nil) {
						stopped = true
						return nil
					}
				}
				return nil
			})
			if err == nil || stopped {
				return
			}
			if !progress || !blob.Temporary(err) || ctx.Err() != nil {
				yield(blob.Info{}, err)
				return
			}
		}
	}
}

// repeat calls try until it succeeds, fails for good, or patience ends.
func (b *Bucket) repeat(ctx context.Context, try func() error) error {
	start := b.now()
	pause := b.policy.First
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || !blob.Temporary(err) || attempt >= b.policy.Attempts {
			return err
		}
		wait := time.Duration((0.5 + b.random()/2) * float64(pause))
		if b.now().Add(wait).Sub(start) > b.policy.Budget {
			return err
		}
		if !sleep(ctx, wait) {
			return fmt.Errorf("%w, trying again because of: %w", ctx.Err(), err)
		}
		pause = min(2*pause, b.policy.Longest)
	}
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, pause time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
