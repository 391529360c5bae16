package scrub

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// compare notes what is referred to and not there, or of another size.
func (r *run) compare() {
	for _, key := range r.order {
		ref := r.refs[key]
		size, there := r.sizes[key]
		switch {
		case !there:
			f := Finding{Problem: Missing, Key: key, Kind: ref.kind, Detail: "there is no such object", Expected: nameOf(r.id, key).digest}
			if ref.size >= 0 {
				f.ExpectedSize = &ref.size
			}
			r.found(f)
		case ref.size >= 0 && size != ref.size:
			// With Deep the bytes are read, and tell more.
			if r.depth < Deep {
				r.found(r.cut(key, ref, size))
			}
		}
	}
}

// cut is an object of another size than it was stored with.
func (r *run) cut(key string, ref *reference, size int64) Finding {
	return Finding{
		Problem: Corrupt, Key: key, Kind: ref.kind, Detail: fmt.Sprintf("it has %d bytes instead of %d", size, ref.size),
		Expected: nameOf(r.id, key).digest, ExpectedSize: &ref.size, Size: &size,
	}
}

// readContent verifies every byte of the content of the job, referred to or not.
// Manifests were read before.
func (r *run) readContent(ctx context.Context) error {
	keys := r.keys(func(key string, n name) bool {
		ref := r.refs[key]
		return n.digest != "" && (ref == nil || ref.kind != KindManifest)
	})
	return r.each(ctx, keys, func(key string, body []byte) {
		kind := nameOf(r.id, key).kind
		ref := r.refs[key]
		if ref != nil {
			kind = ref.kind
		}
		if f := mismatch(key, kind, body, nameOf(r.id, key).digest); f != nil {
			if ref != nil && ref.size >= 0 {
				f.ExpectedSize = &ref.size
			}
			r.found(*f)
		}
	})
}

// report is what was found of the job.
func (r *run) report() Job {
	j := Job{Job: r.id, Objects: len(r.sizes), Findings: []Finding{}, Checkpoints: []Checkpoint{}}
	for _, key := range r.keys(func(string, name) bool { return true }) {
		j.Bytes += r.sizes[key]
		if r.depth > Checkpoints && r.refs[key] == nil && nameOf(r.id, key).kind != KindEntry {
			j.Unreferenced.Objects++
			j.Unreferenced.Bytes += r.sizes[key]
		}
	}
	if n := len(r.entries); n > 0 {
		j.Ended = r.entries[n-1] != nil && r.entries[n-1].End != nil
	}
	again := r.recompute()
	for i := range r.points {
		j.Checkpoints = append(j.Checkpoints, r.judge(&r.points[i], again))
	}
	for _, c := range slices.Backward(j.Checkpoints) {
		if c.Good {
			j.Resume = &c
			break
		}
	}
	for _, f := range r.findings {
		r.explain(f, again)
		j.Findings = append(j.Findings, *f)
	}
	slices.SortFunc(j.Findings, func(a, b Finding) int { return strings.Compare(a.Key, b.Key) })
	return j
}

// judge says whether a checkpoint is good, and if not, why.
func (r *run) judge(p *Checkpoint, again map[int]verdict) Checkpoint {
	c := *p
	for _, key := range append([]string{r.id.LogKey(p.Entry), p.manifest}, p.chunks...) {
		if f := r.findings[key]; f != nil && key != "" {
			c.Problems = append(c.Problems, fmt.Sprintf("%s %s: %s (%s)", f.Problem, f.Kind, f.Detail, f.Key))
		}
	}
	if r.entries[p.Entry] == nil && len(c.Problems) == 0 {
		c.Problems = append(c.Problems, "its log entry cannot be read")
	}
	if c.gone > 0 {
		c.Problems = append(c.Problems, fmt.Sprintf("pruned: %d of its chunks were deleted", c.gone))
	}
	c.Good = len(c.Problems) == 0
	c.Recomputable = !c.Good && again[p.Entry].possible
	return c
}
