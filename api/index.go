package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// reads bounds the requests to the store that one answer makes at a time.
const reads = 16

// index knows which job each submission asked for, and when. Submissions never
// change, so each is read once.
type index struct {
	store blob.Bucket
	log   *slog.Logger
	turn  chan struct{} // holds a token while somebody uses the index; guards the rest
	known map[string]bool
	jobs  []submitted // the newest first
}

// submitted is a job's place in the list.
type submitted struct {
	at  time.Time
	id  job.ID
	key string // of the submission; empty in what clients ask for
}

// compare orders the newest first.
func (s submitted) compare(other submitted) int {
	return cmp.Or(other.at.Compare(s.at), cmp.Compare(other.id, s.id))
}

func newIndex(b blob.Bucket, log *slog.Logger) *index {
	return &index{store: b, log: log, turn: make(chan struct{}, 1), known: map[string]bool{}}
}

// page returns up to limit jobs behind after, and whether there are more. It
// lists the submissions once.
func (x *index) page(ctx context.Context, limit int, after *submitted) (page []submitted, more bool, err error) {
	select {
	case x.turn <- struct{}{}:
		defer func() { <-x.turn }()
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	if err := x.refresh(ctx); err != nil {
		return nil, false, err
	}
	rest := x.jobs
	if after != nil {
		at, found := slices.BinarySearchFunc(rest, *after, submitted.compare)
		if found {
			at++
		}
		rest = rest[at:]
	}
	page = slices.Clone(rest[:min(limit, len(rest))])
	return page, len(rest) > limit, nil
}

// refresh reads the submissions that are not known. What it has read it keeps
// even if it fails, so that the next goes on from there.
func (x *index) refresh(ctx context.Context) error {
	var mu sync.Mutex // guards x while submissions are read
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reads)
	var listed error
	seen := map[string]bool{}
	for key, err := range submission.Keys(ctx, x.store) {
		if listed = err; err != nil {
			break
		}
		seen[key] = true
		mu.Lock()
		known := x.known[key]
		mu.Unlock()
		if known {
			continue
		}
		g.Go(func() error {
			def, err := submission.Read(ctx, x.store, key)
			if err != nil && (ctx.Err() != nil || blob.Temporary(err)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			x.known[key] = true
			switch {
			case err == nil:
				x.jobs = append(x.jobs, submitted{def.At, def.ID, key})
			case !errors.Is(err, blob.ErrNotFound):
				x.log.Error("A submission cannot be read; its job is not listed.", "key", strings.TrimPrefix(key, job.SubmissionsPrefix), "error", err)
			}
			return nil
		})
	}
	err := cmp.Or(g.Wait(), listed)
	if err == nil {
		x.forget(seen)
	}
	slices.SortFunc(x.jobs, submitted.compare)
	return err
}

// forget drops the submissions that a whole listing did not show: those of
// deleted jobs.
func (x *index) forget(seen map[string]bool) {
	maps.DeleteFunc(x.known, func(key string, _ bool) bool { return !seen[key] })
	x.jobs = slices.DeleteFunc(x.jobs, func(s submitted) bool { return !seen[s.key] })
}
