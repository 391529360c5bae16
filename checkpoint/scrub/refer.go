package scrub

import (
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// referAll follows every reference from the log and the definition.
func (r *run) referAll() {
	if r.def != nil {
		for _, set := range []job.DataSet{r.def.Tasks, r.def.Eval, r.def.Threads} {
			if set.Blob.Digest != "" {
				r.refer(r.id.DataKey(set.Blob.Digest), KindDataSet, set.Blob.Size, "the definition")
			}
		}
	}
	if r.head != nil || len(r.entries) > 0 {
		// A hint is read by all who look, and may be away.
		if _, there := r.sizes[r.id.HeadKey()]; there {
			r.refer(r.id.HeadKey(), KindHead, -1, "whoever looks at the job")
		}
	}
	for _, e := range r.entries {
		switch {
		case e == nil:
		case e.Commit != nil:
			r.commit(e)
		case e.Begin != nil, e.Rewind != nil:
			r.copies(e)
		case e.End != nil:
			for _, l := range e.End.Ledgers {
				r.ledger(e, l)
			}
		}
	}
	r.evaluations()
	for key := range r.sizes {
		if n := nameOf(r.id, key); n.kind == KindPin || n.kind == KindPruned {
			r.refer(key, n.kind, -1, "who decides which checkpoints are kept")
		}
	}
}

// copies refers to the copies of earlier checkpoints that an entry names.
func (r *run) copies(e *job.Entry) {
	newest, _ := e.NewCheckpoint()
	for _, c := range e.Copies() {
		by := fmt.Sprintf("log entry %d: copy of the checkpoint of step %d", e.N, c.Step)
		r.refer(r.id.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(c.Manifest), KindManifest, -1, by)
		if _, pruned := r.sizes[r.id.PrunedKey(newest.Manifest)]; pruned {
			continue
		}
		for _, p := range c.Places {
			r.refer(r.id.StepPrefix(p.Folder.Generation, p.Folder.Step)+string(p.Digest), KindTensor, p.Size, by)
		}
	}
}

func (r *run) commit(e *job.Entry) {
	c := e.Commit
	by := fmt.Sprintf("log entry %d: step %d", e.N, c.Checkpoint.Step)
	folder := r.id.StepPrefix(e.Generation, c.Checkpoint.Step)
	for _, part := range c.Batch.Parts {
		r.refer(folder+string(part.Blob.Digest), KindBatch, part.Blob.Size, by)
	}
	r.ledger(e, c.Ledger)
	first := 0
	for _, round := range c.Rounds {
		u := job.Unit{Job: r.id, Generation: e.Generation, Step: c.Checkpoint.Step, Round: round.Round}
		r.refer(u.PlanKey(), KindPlan, -1, by)
		p := r.plans[u.PlanKey()]
		if r.def != nil {
			p = r.planned(e, u, round.Policy, first)
		}
		if p == nil {
			continue
		}
		first += len(p.Tasks)
		r.collection(p, round.Collection, round.Collection > 0, by)
	}
}

// planned is the plan of a unit as it follows from the definition. One that is
// stored and differs is noted.
func (r *run) planned(e *job.Entry, u job.Unit, under *job.PolicyRef, first int) *job.Plan {
	var policy job.PolicyRef
	stored := r.plans[u.PlanKey()]
	if parent := r.parent(e); under != nil {
		policy = *under
	} else if parent != nil {
		c, _ := parent.NewCheckpoint()
		policy = job.PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: parent.N}
	} else if stored != nil {
		policy = stored.Policy
	}
	p := r.def.PlanRound(u, policy, first)
	if stored != nil {
		r.mine(u.PlanKey(), samePlan(stored, p), "it is not the plan that follows from the definition")
	}
	return p
}

// parent is the entry that a commit went on from, nil if it cannot be read.
func (r *run) parent(e *job.Entry) *job.Entry {
	if e.N == 0 || r.entries[e.N-1] == nil {
		return nil
	}
	if _, ok := r.entries[e.N-1].NewCheckpoint(); !ok {
		return nil
	}
	return r.entries[e.N-1]
}

// ledger refers to a ledger. That of an end is of a step that was not committed.
func (r *run) ledger(e *job.Entry, l job.LedgerRef) {
	for _, part := range l.Parts {
		r.refer(r.id.StepPrefix(e.Generation, l.Step)+string(part.Digest), KindLedger, part.Size, fmt.Sprintf("log entry %d: ledger of step %d", e.N, l.Step))
	}
}

// collection refers to everything that a collection rests on.
func (r *run) collection(p *job.Plan, e int, opened bool, by string) {
	u := p.Unit
	if p.Offline {
		s := job.Shard{Unit: u, Collection: e, Phase: job.Collect}
		r.refer(s.SettledKey(), KindCollect, -1, by)
		return
	}
	if opened {
		r.refer(u.OpenedKey(e), KindOpened, -1, by)
	}
	r.refer(u.RangesKey(e), KindRanges, -1, by)
	ranges := r.ranges[u.RangesKey(e)]
	for i := range p.Shards(job.Rollout) {
		key := job.Shard{Unit: u, Collection: e, Phase: job.Rollout, Index: i}.SettledKey()
		r.refer(key, KindRollout, -1, by)
		if digest, ok := r.digests[key]; ok && ranges != nil && i < len(ranges.Settled) && digest != ranges.Settled[i] {
			size := r.sizes[key]
			r.found(Finding{
				Problem: Mistaken, Key: key, Kind: KindRollout, Detail: "it is not the record that the ranges name",
				Expected: ranges.Settled[i], Actual: digest, Size: &size,
			})
		}
	}
	for _, phase := range p.CollectPhases() {
		for i := range p.Shards(phase) {
			s := job.Shard{Unit: u, Collection: e, Phase: phase, Index: i}
			r.refer(s.SettledKey(), nameOf(r.id, s.SettledKey()).kind, -1, by)
			if x := r.extracts[s.SettledKey()]; x != nil {
				for _, b := range x.Buckets {
					r.refer(u.BlobPrefix()+string(b.Blob.Digest), KindPart, b.Blob.Size, fmt.Sprintf("extract record %s", s))
				}
			}
			if x := r.collects[s.SettledKey()]; x != nil {
				for _, part := range x.Parts {
					r.refer(u.BlobPrefix()+string(part.Digest), KindBatch, part.Size, fmt.Sprintf("collect record %s", s))
				}
			}
		}
	}
}

// evaluations refers to what the log says, or shows, to have been evaluated.
func (r *run) evaluations() {
	for _, due := range r.evaluated() {
		u := job.Unit{Job: r.id, Step: due.step, Eval: due.manifest}
		by := fmt.Sprintf("log entry %d: evaluation of step %d", due.entry, due.step)
		r.refer(u.ResultKey(), KindResult, -1, by)
		if result := r.results[due.manifest]; result != nil && result.Incomplete != "" {
			continue
		}
		r.refer(u.PlanKey(), KindPlan, -1, by)
		p := r.plans[u.PlanKey()]
		if p == nil && r.def != nil {
			p = r.def.PlanEvaluation(u, job.PolicyRef{})
		}
		if p != nil {
			r.collection(p, r.lastCollection(u), true, by)
		}
	}
}

// evaluation is one that has, or must have had, a result.
type evaluation struct {
	entry, step int
	manifest    blob.Digest
}

// evaluated lists evaluations: those that a later commit no longer waits for,
// those of the end, and all that have a result.
func (r *run) evaluated() []evaluation {
	var done []evaluation
	add := func(e evaluation) {
		if !slices.ContainsFunc(done, func(o evaluation) bool { return o.manifest == e.manifest }) {
			done = append(done, e)
		}
	}
	waiting := map[blob.Digest]evaluation{}
	for n, e := range r.entries {
		if e == nil {
			clear(waiting) // what it said is not known
			continue
		}
		if e.Begin == nil && e.Commit == nil && e.End == nil {
			clear(waiting) // a rewind: what was waited for may be of what it left behind
		}
		if e.Commit != nil {
			for _, p := range e.Commit.Pending {
				waiting[p.Policy.Manifest] = evaluation{n, p.Step, p.Policy.Manifest}
			}
			for _, w := range sorted(waiting) {
				if !slices.ContainsFunc(e.Commit.Pending, func(p job.Pending) bool { return p.Policy.Manifest == w.manifest }) {
					add(evaluation{n, w.step, w.manifest})
					delete(waiting, w.manifest)
				}
			}
		}
		if e.End != nil {
			for _, v := range e.End.Evaluations {
				if v.Incomplete == "" {
					add(evaluation{n, v.Step, v.Manifest})
				}
			}
		}
	}
	for _, p := range r.points {
		if r.results[p.ID] != nil {
			add(evaluation{p.Entry, p.Step, p.ID})
		}
	}
	return done
}

func sorted(waiting map[blob.Digest]evaluation) []evaluation {
	all := make([]evaluation, 0, len(waiting))
	for _, e := range waiting {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b evaluation) int { return a.step - b.step })
	return all
}

// lastCollection is the number of an evaluation's last collection.
func (r *run) lastCollection(u job.Unit) int {
	last := 0
	for e := 1; e < job.MaxCollections; e++ {
		first := job.Shard{Unit: u, Collection: e, Phase: job.Rollout}.SettledKey()
		for _, key := range []string{u.OpenedKey(e), u.RangesKey(e), first} {
			if _, there := r.sizes[key]; there {
				last = e
			}
		}
	}
	return last
}
