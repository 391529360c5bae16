package scrub

import (
	"context"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
)

// readRecords reads the records that the log does not hold itself.
func (r *run) readRecords(ctx context.Context) error {
	keys := r.keys(func(_ string, n name) bool {
		return n.format != "" && n.kind != KindDefinition && n.kind != KindHead && n.kind != KindEntry
	})
	return r.each(ctx, keys, r.readRecord)
}

// readRecord verifies a record, keeps what others of it are compared with, and
// notes one that does not belong where it lies.
func (r *run) readRecord(key string, body []byte) {
	n := nameOf(r.id, key)
	switch n.kind {
	case KindPlan:
		if p, ok := open[job.Plan](r, key, body); ok && r.mine(key, p.Unit.PlanKey() == key, "it is the plan of %s", p.Unit.PlanKey()) {
			keep(r, r.plans, key, p)
		}
	case KindRanges:
		if v, ok := open[job.Ranges](r, key, body); ok {
			keep(r, r.ranges, key, v)
		}
	case KindRollout:
		v, ok := open[job.RolloutRecord](r, key, body)
		if ok && r.mine(key, v.Done.Shard == n.shard.String(), "it is the record of %s", v.Done.Shard) {
			keep(r, r.digests, key, blob.DigestOf(body))
		}
	case KindExtract:
		v, ok := open[job.ExtractRecord](r, key, body)
		if ok && r.mine(key, v.Done.Shard == n.shard.String(), "it is the record of %s", v.Done.Shard) {
			keep(r, r.extracts, key, v)
		}
	case KindCollect:
		v, ok := open[job.CollectRecord](r, key, body)
		if ok && r.mine(key, v.Done.Shard == n.shard.String(), "it is the record of %s", v.Done.Shard) {
			v.Outcomes = nil
			keep(r, r.collects, key, v)
		}
	case KindResult:
		type result struct {
			Format string `json:"format"`
			job.Evaluation
		}
		if v, ok := open[result](r, key, body); ok {
			u := job.Unit{Job: r.id, Step: v.Step, Eval: v.Manifest}
			if r.mine(key, u.ResultKey() == key, "it is the result of %s", u.ResultKey()) {
				keep(r, r.results, v.Manifest, &v.Evaluation)
			}
		}
	default:
		if f := unsealed(key, n.kind, n.format, body, nil); f != nil {
			r.found(*f)
		}
	}
}

func keep[K comparable, V any](r *run, in map[K]V, key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in[key] = v
}

// samePlan says whether a stored plan has the bytes of one that was computed.
func samePlan(stored, computed *job.Plan) bool {
	a, err := sealed.Seal(stored)
	if err != nil {
		return false
	}
	b, err := sealed.Seal(computed)
	return err == nil && string(a) == string(b)
}
