package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/metered"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// next saves a checkpoint and the one after it, and counts the second's bytes.
func (o options) next(ctx context.Context, store blob.Bucket) (int64, error) {
	if err := o.save(ctx, store); err != nil {
		return 0, err
	}
	first, err := o.saved()
	if err != nil {
		return 0, err
	}
	state, f, err := o.state(true)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	counted := &uploads{Bucket: store}
	_, err = checkpoint.Save(ctx, counted, id, job.Folder{Step: 2}, manifest(2), state, chunk, first.Places)
	return counted.bytes, err
}

// uploads counts the bytes that are put.
type uploads struct {
	blob.Bucket
	mu    sync.Mutex // guards bytes
	bytes int64
}

// Put implements blob.Bucket.
func (u *uploads) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	u.mu.Lock()
	u.bytes += int64(len(body))
	u.mu.Unlock()
	return u.Bucket.Put(ctx, key, body, cond)
}

// resume writes a log of many commits, and measures how its newest checkpoint's
// manifest is found, without a hint.
func (o options) resume(ctx context.Context, store blob.Bucket) (taken, error) {
	c, err := o.saved()
	if err != nil {
		return taken{}, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for n := range o.commits {
		e := &job.Entry{Format: job.EntryFormat, N: n, Kind: job.KindCommit, Commit: &job.Commit{Checkpoint: c}}
		g.Go(func() error {
			_, _, err := records.Adopt(gctx, store, id.LogKey(n), job.EntryFormat, e)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return taken{}, err
	}
	var mu sync.Mutex
	requests := map[metered.Method]int{}
	counted := metered.New(store, time.Now, func(m metered.Method, _ metered.Result, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		requests[m]++
	})
	begin := time.Now()
	last, err := checkpoint.LastEntry(ctx, counted, id, -1)
	if err != nil {
		return taken{}, err
	}
	for _, n := range []int{0, last} {
		if _, err := checkpoint.ReadEntry(ctx, counted, id, n); err != nil {
			return taken{}, err
		}
	}
	if _, err := checkpoint.LoadManifest(ctx, counted, id, c); err != nil {
		return taken{}, err
	}
	t := taken{Seconds: time.Since(begin).Seconds()}
	var text []string
	for m, n := range requests {
		text = append(text, fmt.Sprintf("%d %s", n, m))
	}
	sort.Strings(text)
	t.Requests = strings.Join(text, ", ")
	return t, nil
}
