package scrub

import (
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/job"
)

// verdict says whether something can be made again, and from what, or why not.
type verdict struct {
	possible bool
	how      string
}

// recompute says of every entry whether its checkpoint can be computed again
// from what is whole.
func (r *run) recompute() map[int]verdict {
	again := make(map[int]verdict, len(r.points))
	sound := map[int]bool{} // by entry: its checkpoint is whole, or can be made whole
	for i := range r.points {
		p := &r.points[i]
		e, before := r.entries[p.Entry], p.Entry-1
		if e != nil && e.Rewind != nil {
			before = e.Rewind.To
		}
		again[p.Entry] = r.checkpointAgain(e, sound[before])
		sound[p.Entry] = again[p.Entry].possible || r.whole(p)
	}
	return again
}

// whole says that nothing is wrong with a checkpoint.
func (r *run) whole(p *Checkpoint) bool {
	if r.entries[p.Entry] == nil || r.findings[p.manifest] != nil || p.gone > 0 {
		return false
	}
	for _, key := range p.chunks {
		if r.findings[key] != nil {
			return false
		}
	}
	return true
}

// checkpointAgain says whether the checkpoint of an entry can be computed; sound
// says so of the one before.
func (r *run) checkpointAgain(e *job.Entry, sound bool) verdict {
	switch {
	case e == nil:
		return verdict{how: "its log entry cannot be read"}
	case r.def == nil:
		return verdict{how: "the job's definition is needed and cannot be read"}
	case e.Begin != nil && r.def.Spec.Start == nil:
		return verdict{true, "from the seed of the spec"}
	case e.Begin != nil:
		return verdict{true, "from the checkpoint that the job was started from, if that is whole"}
	case e.Rewind != nil && sound:
		return verdict{true, fmt.Sprintf("from the checkpoint of entry %d, of which it is a copy", e.Rewind.To)}
	case e.Commit == nil || !sound:
		return verdict{how: "its parent is neither whole nor can be computed"}
	}
	c := e.Commit
	folder := r.id.StepPrefix(e.Generation, c.Checkpoint.Step)
	for _, part := range c.Batch.Parts {
		if key := folder + string(part.Blob.Digest); r.findings[key] != nil {
			return verdict{how: "it learnt from a batch that is " + string(r.findings[key].Problem)}
		}
	}
	if !r.collected(e) {
		for _, part := range c.Ledger.Parts {
			if r.findings[folder+string(part.Digest)] != nil {
				return verdict{how: "neither its collect records nor its ledger is whole"}
			}
		}
		return verdict{true, "from its parent, its batch and its ledger"}
	}
	return verdict{true, "from its parent, its batch and its collect records"}
}

// collected says that all collect records of a commit are whole.
func (r *run) collected(e *job.Entry) bool {
	for _, round := range e.Commit.Rounds {
		u := job.Unit{Job: r.id, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: round.Round}
		p := r.def.PlanRound(u, job.PolicyRef{}, 0)
		if !r.shardsWhole(p, round.Collection, last(p.CollectPhases())) {
			return false
		}
	}
	return true
}

func last(phases []job.Phase) job.Phase { return phases[len(phases)-1] }

// shardsWhole says that all records of a phase are whole.
func (r *run) shardsWhole(p *job.Plan, e int, phase job.Phase) bool {
	for i := range p.Shards(phase) {
		if r.findings[job.Shard{Unit: p.Unit, Collection: e, Phase: phase, Index: i}.SettledKey()] != nil {
			return false
		}
	}
	return true
}

// explain fills in who refers to an object, and whether it can be made again.
func (r *run) explain(f *Finding, again map[int]verdict) {
	f.ReferredBy = []string{}
	if ref := r.refs[f.Key]; ref != nil {
		f.Kind = ref.kind
		f.ReferredBy = append(f.ReferredBy, ref.by...)
		if ref.more > 0 {
			f.ReferredBy = append(f.ReferredBy, fmt.Sprintf("and %d more", ref.more))
		}
		if f.ExpectedSize == nil && ref.size >= 0 {
			f.ExpectedSize = &ref.size
		}
	}
	if size, there := r.sizes[f.Key]; there && f.Size == nil {
		f.Size = &size
	}
	v := r.objectAgain(f, again)
	f.Recomputable, f.How = v.possible, v.how
}

// objectAgain says whether an object can be made again.
func (r *run) objectAgain(f *Finding, again map[int]verdict) verdict {
	if r.refs[f.Key] == nil && f.Kind != KindEntry && f.Kind != KindDefinition {
		if r.def == nil || slices.Contains(r.entries, nil) {
			return verdict{how: "what depends on it is not known: the definition, or an entry of the log, cannot be read"}
		}
		return verdict{how: "nothing depends on it"}
	}
	switch f.Kind {
	case KindManifest, KindTensor:
		return r.blobAgain(f.Key, again)
	case KindBatch, KindCollect:
		return r.collectAgain(f.Key)
	case KindLedger:
		return r.ledgerAgain(f.Key)
	case KindPlan:
		if r.def == nil {
			return verdict{how: "the job's definition is needed and cannot be read"}
		}
		return verdict{true, "from the definition and the log"}
	case KindEntry:
		if n := nameOf(r.id, f.Key).n; n < len(r.entries)-1 {
			return verdict{true, "it can be restated from the entries around it and the objects of its step"}
		}
		return verdict{how: "it was the last entry and may have been the job's end: nobody but you can say"}
	case KindHead:
		return verdict{true, "from the log; nothing depends on it"}
	case KindResult:
		return verdict{true, "from the collect records of the evaluation, if they are whole"}
	case KindDefinition:
		return verdict{how: "it was submitted: without it the job can neither go on nor be replayed, but its checkpoints can be served"}
	case KindDataSet:
		return verdict{how: "it was submitted: put the same file back. No further rollout can be run, and checkpoints are not touched"}
	case KindOpened, KindRanges, KindRollout:
		return verdict{how: "it says what happened, once. Nothing more can be collected from it, and checkpoints are not touched"}
	case KindExtract, KindPart:
		return verdict{how: "only from the job's topic, while Kafka has the events. Checkpoints are not touched"}
	default:
		return verdict{how: "nothing depends on it"}
	}
}

// blobAgain says whether a manifest or a chunk can be computed: with the first
// checkpoint that has it.
func (r *run) blobAgain(key string, again map[int]verdict) verdict {
	var first *verdict
	for i := range r.points {
		p := &r.points[i]
		has := p.manifest == key || slices.Contains(p.chunks, key)
		if has && again[p.Entry].possible {
			return verdict{true, fmt.Sprintf("with step %d: %s", p.Step, again[p.Entry].how)}
		}
		if v := again[p.Entry]; has && first == nil {
			first = &v
		}
	}
	if first == nil {
		return verdict{how: "no log entry that can be read names it"}
	}
	return *first
}

// collectAgain says whether the outcome of a collection can be computed: an
// assemble shard works on what extract shards stored, a collect shard on the log.
func (r *run) collectAgain(key string) verdict {
	topic := verdict{how: "only from the job's topic, while Kafka has the events; the ledger tells the fates. Checkpoints are not touched"}
	n := nameOf(r.id, key)
	e := r.commitOf(key)
	if n.kind == KindCollect {
		if n.shard.Phase != job.Assemble {
			return topic
		}
		return r.assembleAgain(n.shard.Unit, n.shard.Collection, topic)
	}
	if e == nil || r.def == nil {
		return topic
	}
	for _, round := range e.Commit.Rounds {
		u := job.Unit{Job: r.id, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: round.Round}
		if v := r.assembleAgain(u, round.Collection, topic); !v.possible {
			return v
		}
	}
	return verdict{true, "from the extract parts of its step"}
}

// assembleAgain says whether the assemble shards of a collection can be done again.
func (r *run) assembleAgain(u job.Unit, e int, topic verdict) verdict {
	p := r.plans[u.PlanKey()]
	if p == nil || p.Layout.PerAssemble == 0 || !r.shardsWhole(p, e, job.Extract) || !r.shardsWhole(p, e, job.Rollout) || r.findings[u.RangesKey(e)] != nil {
		return topic
	}
	for i := range p.Shards(job.Extract) {
		x := r.extracts[job.Shard{Unit: u, Collection: e, Phase: job.Extract, Index: i}.SettledKey()]
		if x == nil {
			return topic
		}
		for _, b := range x.Buckets {
			if r.findings[u.BlobPrefix()+string(b.Blob.Digest)] != nil {
				return topic
			}
		}
	}
	return verdict{true, "from the extract parts of its step"}
}

func (r *run) ledgerAgain(key string) verdict {
	e := r.commitOf(key)
	switch {
	case e == nil:
		return verdict{how: "it is of a step that was not committed"}
	case r.def == nil:
		return verdict{how: "the job's definition is needed and cannot be read"}
	case !r.collected(e):
		return verdict{how: "it follows from the collect records of its step, and they are not whole"}
	}
	return verdict{true, "from the collect records of its step"}
}

// commitOf is the commit that names a batch or a ledger by its key.
func (r *run) commitOf(key string) *job.Entry {
	for _, e := range r.entries {
		if e == nil || e.Commit == nil {
			continue
		}
		folder := r.id.StepPrefix(e.Generation, e.Commit.Checkpoint.Step)
		for _, part := range e.Commit.Batch.Parts {
			if folder+string(part.Blob.Digest) == key {
				return e
			}
		}
		for _, part := range e.Commit.Ledger.Parts {
			if folder+string(part.Digest) == key {
				return e
			}
		}
	}
	return nil
}
