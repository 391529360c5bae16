// Package patient waits out an object store's weather.
package patient

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
)

// Bucket is a bucket that waits out the store's weather: a request that failed
// for a temporary reason is made again until it gets an answer or its context
// ends. While it waits its voice says so.
type Bucket struct {
	blob.Bucket
	clock   clock.Clock
	voice   *Voice
	waiting atomic.Int64
}

// New returns a patient b that speaks with v.
func New(b blob.Bucket, c clock.Clock, v *Voice) *Bucket {
	return &Bucket{Bucket: b, clock: c, voice: v}
}

// Outage says whether a request is waiting for the store to come back.
func (p *Bucket) Outage() bool { return p.waiting.Load() > 0 }

// insist calls try until it succeeds or fails for good.
func (p *Bucket) insist(ctx context.Context, try func() error) error {
	const first, most = 50 * time.Millisecond, 2 * time.Second
	pause := first
	err := try()
	if err == nil || !blob.Temporary(err) {
		return err
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for blob.Temporary(err) {
		p.voice.fails(err)
		if ended := p.clock.Sleep(ctx, pause); ended != nil {
			return err
		}
		pause = min(2*pause, most)
		err = try()
	}
	p.voice.answers() // in whatever way
	return err
}

// Get waits for the object.
func (p *Bucket) Get(ctx context.Context, key string) (object blob.Object, err error) {
	err = p.insist(ctx, func() (err error) {
		object, err = p.Bucket.Get(ctx, key)
		return err
	})
	return object, err
}

// Put puts until it is known what came of it. After a lost answer that may well
// be blob.ErrExists: the caller reads back what is there.
func (p *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (version blob.Version, err error) {
	err = p.insist(ctx, func() (err error) {
		version, err = p.Bucket.Put(ctx, key, body, cond)
		return err
	})
	return version, err
}

// Head waits for the description of the object.
func (p *Bucket) Head(ctx context.Context, key string) (info blob.Info, err error) {
	err = p.insist(ctx, func() (err error) {
		info, err = p.Bucket.Head(ctx, key)
		return err
	})
	return info, err
}

// List starts again behind the last key it handed over.
func (p *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		stopped := false
		err := p.insist(ctx, func() error {
			for info, err := range p.Bucket.List(ctx, prefix, after) {
				if err != nil {
					return err
				}
				after = info.Key
				if stopped = !yield(info, nil); stopped {
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(blob.Info{}, err)
		}
	}
}

// Delete deletes until the store has said so.
func (p *Bucket) Delete(ctx context.Context, key string) error {
	return p.insist(ctx, func() error { return p.Bucket.Delete(ctx, key) })
}
