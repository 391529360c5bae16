// Package profile runs Cohort inside the process and takes down each request to
// the store and each attempt of the agent, so that it can tell where the time of
// a step goes.
package profile

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Request is one request to the store, or to Kafka.
type Request struct {
	// Who asked: coordinator or worker.
	Who, Method, Key string
	Began, Ended     time.Time
	// OK says that it got or put what it was about.
	OK bool
}

// Recorder keeps requests. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex // guards requests
	requests []Request
}

// Requests are those that ended so far, in the order of their ends.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), r.requests...)
}

func (r *Recorder) note(who, method, key string, began time.Time, err error) {
	ended := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, Request{Who: who, Method: method, Key: key, Began: began, Ended: ended, OK: err == nil})
}

// Bucket is b, whose requests are taken down as those of who.
func (r *Recorder) Bucket(who string, b blob.Bucket) blob.Bucket { return &recorded{b, r, who} }

type recorded struct {
	blob.Bucket
	to  *Recorder
	who string
}

func (b *recorded) Get(ctx context.Context, key string) (o blob.Object, err error) {
	defer func(began time.Time) { b.to.note(b.who, "get", key, began, err) }(time.Now())
	return b.Bucket.Get(ctx, key)
}

func (b *recorded) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (v blob.Version, err error) {
	defer func(began time.Time) { b.to.note(b.who, "put", key, began, err) }(time.Now())
	return b.Bucket.Put(ctx, key, body, cond)
}

func (b *recorded) Head(ctx context.Context, key string) (i blob.Info, err error) {
	defer func(began time.Time) { b.to.note(b.who, "head", key, began, err) }(time.Now())
	return b.Bucket.Head(ctx, key)
}

func (b *recorded) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		defer func(began time.Time) { b.to.note(b.who, "list", prefix, began, nil) }(time.Now())
		b.Bucket.List(ctx, prefix, after)(yield)
	}
}

func (b *recorded) Delete(ctx context.Context, key string) (err error) {
	defer func(began time.Time) { b.to.note(b.who, "delete", key, began, err) }(time.Now())
	return b.Bucket.Delete(ctx, key)
}

// Class is the kind of object that a key names, such as plans or settled/rollout.
func Class(key string) string {
	parts := strings.Split(key, "/")
	if parts[0] != "jobs" || len(parts) < 3 {
		return parts[0]
	}
	parts = parts[2:]
	if strings.HasPrefix(parts[0], "g0") && len(parts) > 1 {
		parts = parts[1:]
	}
	if parts[0] == "settled" && len(parts) == 3 {
		phase, _, _ := strings.Cut(parts[2], "-")
		return "settled/" + phase
	}
	return strings.TrimSuffix(parts[0], ".json")
}
