package scrub

import (
	"context"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// readLog reads the definition, the hint and the log, as far as they can be read.
func (r *run) readLog(ctx context.Context) error {
	last := -1
	entries := map[int]*job.Entry{}
	keys := r.keys(func(_ string, n name) bool {
		if n.kind == KindEntry {
			last = max(last, n.n)
		}
		return n.kind == KindDefinition || n.kind == KindHead || n.kind == KindEntry
	})
	err := r.each(ctx, keys, func(key string, body []byte) {
		n := nameOf(r.id, key)
		switch n.kind {
		case KindDefinition:
			if def, ok := open[job.Definition](r, key, body); ok && r.mine(key, def.ID == r.id, "it is the definition of %s", def.ID) {
				r.def = def
			}
		case KindHead:
			r.head, _ = open[job.Head](r, key, body)
		case KindEntry:
			if e, ok := open[job.Entry](r, key, body); ok && r.mine(key, e.N == n.n, "it says that it is entry %d", e.N) {
				r.mu.Lock()
				entries[n.n] = e
				r.mu.Unlock()
			}
		default: // nothing else is asked for
		}
	})
	if err != nil {
		return err
	}
	r.expectLog(&last, entries)
	r.entries = make([]*job.Entry, last+1)
	for n := range r.entries {
		r.entries[n] = entries[n]
	}
	return nil
}

// mine notes a finding unless an object belongs where it lies.
func (r *run) mine(key string, belongs bool, format string, args ...any) bool {
	if !belongs {
		size := r.sizes[key]
		r.found(Finding{Problem: Mistaken, Key: key, Kind: nameOf(r.id, key).kind, Size: &size, Detail: fmt.Sprintf(format, args...)})
	}
	return belongs
}

// expectLog refers to every entry of the log that must be there: up to the last
// that is, up to the hint's, and to an end if the job is no longer driven.
func (r *run) expectLog(last *int, entries map[int]*job.Entry) {
	if *last >= 0 {
		r.refer(r.id.SpecKey(), KindDefinition, -1, "every step of the job")
		for n := range *last {
			r.refer(r.id.LogKey(n), KindEntry, -1, fmt.Sprintf("log entry %d", n+1))
		}
	}
	if h := r.head; h != nil {
		for n := max(*last, 0); n <= h.Entry; n++ {
			r.refer(r.id.LogKey(n), KindEntry, -1, "the head")
		}
		*last = max(*last, h.Entry)
	}
	if *last < 0 || r.active || r.def == nil {
		return
	}
	if e := entries[*last]; e != nil && e.End == nil {
		r.refer(r.id.LogKey(*last+1), KindEntry, -1, "the job: it is not active, so its log has an end")
		*last++
	}
}

// readManifests fills in the checkpoints of the log and reads their manifests.
func (r *run) readManifests(ctx context.Context) error {
	byManifest := map[string][]int{}
	var keys []string
	for n, e := range r.entries {
		if e == nil {
			r.points = append(r.points, Checkpoint{Job: r.id, Entry: n})
			continue
		}
		c, ok := e.NewCheckpoint()
		if !ok {
			continue
		}
		key := r.id.StepPrefix(c.Folder.Generation, c.Folder.Step) + string(c.Manifest)
		p := Checkpoint{Job: r.id, Entry: n, Kind: e.Kind, Generation: e.Generation, Step: c.Step, ID: c.Manifest, manifest: key}
		if e.Commit != nil {
			p.Totals = e.Commit.Ledger.Totals
			p.Reward = rewardOf(e.Commit.Metrics)
		}
		_, p.Pruned = r.sizes[r.id.PrunedKey(c.Manifest)]
		by := fmt.Sprintf("log entry %d: checkpoint of step %d", n, c.Step)
		r.refer(key, KindManifest, -1, by)
		for _, place := range c.Places {
			chunk := r.id.StepPrefix(place.Folder.Generation, place.Folder.Step) + string(place.Digest)
			p.Bytes += place.Size
			if _, there := r.sizes[chunk]; p.Pruned && !there {
				p.gone++
				continue
			}
			r.refer(chunk, KindTensor, place.Size, by)
			p.chunks = append(p.chunks, chunk)
		}
		if _, there := r.sizes[key]; there && byManifest[key] == nil {
			keys = append(keys, key)
		}
		byManifest[key] = append(byManifest[key], len(r.points))
		r.points = append(r.points, p)
	}
	return r.each(ctx, keys, func(key string, body []byte) {
		n := nameOf(r.id, key)
		if f := mismatch(key, KindManifest, body, n.digest); f != nil {
			r.found(*f)
			return
		}
		m, err := checkpoint.Decode(body)
		if err != nil {
			r.mine(key, false, "%v", err)
			return
		}
		for _, i := range byManifest[key] {
			r.placed(&r.points[i], m)
		}
	})
}

// placed notes an entry that does not say where each chunk of its manifest lies.
func (r *run) placed(p *Checkpoint, m *checkpoint.Manifest) {
	c, _ := r.entries[p.Entry].NewCheckpoint()
	for _, ref := range m.Chunks() {
		if !slices.ContainsFunc(c.Places, func(place job.Place) bool { return place.Digest == ref.Digest && place.Size == ref.Size }) {
			r.mine(r.id.LogKey(p.Entry), false, "it names no place of chunk %s, which its manifest has", ref.Digest)
		}
	}
}

// mismatch is what is wrong with content that has a digest; nil if nothing is.
func mismatch(key string, kind Kind, body []byte, want blob.Digest) *Finding {
	got := blob.DigestOf(body)
	if got == want {
		return nil
	}
	size := int64(len(body))
	return &Finding{Problem: Corrupt, Key: key, Kind: kind, Detail: "its bytes are not those that it is named for", Expected: want, Actual: got, Size: &size}
}

func rewardOf(metrics []job.Metric) *float64 {
	for _, m := range metrics {
		if m.Name == "reward" {
			return &m.Value
		}
	}
	return nil
}
