package scrub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
)

// Bounds of reading: how many objects at once, and how many bytes of them.
const (
	readers = 8
	transit = blob.MaxObject
)

// maxReferrers bounds how many referrers of an object are told.
const maxReferrers = 5

// run is a scrub of one job.
type run struct {
	bucket blob.Bucket
	id     job.ID
	depth  Depth

	sizes map[string]int64 // of all objects of the job
	refs  map[string]*reference
	order []string // keys of refs, in the order in which they were met

	def     *job.Definition
	head    *job.Head
	entries []*job.Entry // by number; nil for one that cannot be read
	points  []Checkpoint // by number of the entry, for those that make one
	active  bool         // the job is in the list of active ones

	mu       sync.Mutex // guards what follows while objects are read
	findings map[string]*Finding
	digests  map[string]blob.Digest // of the bytes of rollout records
	ranges   map[string]*job.Ranges
	extracts map[string]*job.ExtractRecord
	collects map[string]*job.CollectRecord // their outcomes are dropped
	plans    map[string]*job.Plan
	results  map[blob.Digest]*job.Evaluation
}

// reference is what is expected of an object that something refers to.
type reference struct {
	kind Kind
	size int64 // -1 where it is not known
	by   []string
	more int
}

func newRun(b blob.Bucket, id job.ID, depth Depth) *run {
	return &run{
		bucket: b, id: id, depth: depth, sizes: map[string]int64{}, refs: map[string]*reference{},
		findings: map[string]*Finding{}, digests: map[string]blob.Digest{}, ranges: map[string]*job.Ranges{},
		extracts: map[string]*job.ExtractRecord{}, collects: map[string]*job.CollectRecord{}, plans: map[string]*job.Plan{},
		results: map[blob.Digest]*job.Evaluation{},
	}
}

// refer notes that something refers to the object at key.
func (r *run) refer(key string, kind Kind, size int64, by string) {
	ref := r.refs[key]
	if ref == nil {
		ref = &reference{kind: kind, size: size}
		r.refs[key] = ref
		r.order = append(r.order, key)
	}
	switch {
	case slices.Contains(ref.by, by):
	case len(ref.by) < maxReferrers:
		ref.by = append(ref.by, by)
	default:
		ref.more++
	}
}

// found notes what is wrong with an object. The first finding of a key counts.
func (r *run) found(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.findings[f.Key] == nil {
		r.findings[f.Key] = &f
	}
}

// inventory lists the objects of the job.
func (r *run) inventory(ctx context.Context) error {
	for info, err := range r.bucket.List(ctx, r.id.Prefix(), "") {
		if err != nil {
			return fmt.Errorf("list the objects of %s: %w", r.id, err)
		}
		r.sizes[info.Key] = info.Size
	}
	_, err := r.bucket.Head(ctx, r.id.ActiveKey())
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("look whether %s is active: %w", r.id, err)
	}
	r.active = err == nil
	return nil
}

// each reads objects, several at once, and hands them over. An object that is
// gone is missing, one that is too large corrupt; every other error of the
// store ends the scrub, since it says nothing about the object.
func (r *run) each(ctx context.Context, keys []string, take func(key string, body []byte)) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	room := semaphore.NewWeighted(transit)
	for _, key := range keys {
		g.Go(func() error {
			size := min(max(r.sizes[key], 1), transit)
			if err := room.Acquire(gctx, size); err != nil {
				return err
			}
			defer room.Release(size)
			object, err := r.bucket.Get(gctx, key)
			switch {
			case errors.Is(err, blob.ErrNotFound):
				r.found(Finding{Problem: Missing, Key: key, Kind: nameOf(r.id, key).kind, Detail: "it went away while it was looked at"})
			case errors.Is(err, blob.ErrTooLarge), errors.Is(err, blob.ErrCorrupt):
				r.found(Finding{Problem: Corrupt, Key: key, Kind: nameOf(r.id, key).kind, Detail: err.Error()})
			case err != nil:
				return fmt.Errorf("read %s: %w", key, err)
			default:
				take(key, object.Body)
			}
			return nil
		})
	}
	return g.Wait()
}

// keys are the keys of the inventory that want has, in ascending order.
func (r *run) keys(want func(key string, n name) bool) []string {
	var keys []string
	for key := range r.sizes {
		if want(key, nameOf(r.id, key)) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// open verifies and decodes a sealed record; ok is false, and the finding
// noted, if that fails.
func open[T any](r *run, key string, body []byte) (v *T, ok bool) {
	n := nameOf(r.id, key)
	v = new(T)
	if f := unsealed(key, n.kind, n.format, body, v); f != nil {
		r.found(*f)
		return nil, false
	}
	return v, true
}

// unsealed is what is wrong with a sealed record; nil if nothing is. It is
// decoded into v unless v is nil.
func unsealed(key string, kind Kind, format string, body []byte, v any) *Finding {
	size := int64(len(body))
	f := &Finding{Problem: Corrupt, Key: key, Kind: kind, Size: &size, Actual: blob.DigestOf(body)}
	got, err := sealed.Verify(body)
	if mismatch, ok := errors.AsType[*sealed.SealError](err); ok {
		f.Expected, f.Actual = mismatch.Want, mismatch.Got
	}
	switch {
	case err != nil:
		f.Detail = err.Error()
		return f
	case got != format:
		f.Problem, f.Detail = Unknown, (&sealed.FormatError{Got: got, Want: format}).Error()
		return f
	case v == nil:
		return nil
	}
	if err := sealed.Open(body, format, v); err != nil {
		f.Detail = err.Error()
		return f
	}
	return nil
}
