package repair

import (
	"context"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// rest looks at every object of the job and notes what is still not as it should
// be: what says what happened, once, cannot be made again. Corrupt leftovers are
// taken away.
func (a *all) rest(ctx context.Context) error {
	found, err := scrub.One(ctx, a.Store, a.Def.ID, scrub.Deep)
	if err != nil {
		return err
	}
	committed, known, err := a.committed(ctx)
	if err != nil {
		return err
	}
	for _, f := range found.Findings {
		if known && f.Problem == scrub.Corrupt && a.leftover(f, committed) {
			if err := a.takeAway(ctx, f); err != nil {
				return err
			}
			continue
		}
		if slices.ContainsFunc(a.report.Lost, func(l Lost) bool { return l.Key == f.Key }) {
			continue
		}
		needed := strings.Join(append(f.ReferredBy, f.How), "; ")
		a.report.Lost = append(a.report.Lost, Lost{f.Key, f.Detail, needed})
	}
	return nil
}

// head takes a corrupt hint of the job's progress away: who looks at the job
// reads the log instead, and who drives it writes a new one.
func (a *all) head(ctx context.Context) error {
	key := a.Def.ID.HeadKey()
	_, _, err := records.Read[job.Head](ctx, a.Store, key, job.HeadFormat)
	if err == nil || NotFound(err) || !Damage(err) {
		return ignore(err, NotFound)
	}
	object, err := a.Store.Get(ctx, key)
	if err != nil {
		return ignore(err, NotFound)
	}
	kept, err := blob.Quarantine(ctx, a.Store, key, object.Body)
	if err != nil {
		return err
	}
	if err := a.Store.Delete(ctx, key); err != nil {
		return err
	}
	a.Tell(Finding{Key: key, Quarantined: kept, Done: "taken away: it was a hint, and the log says the same"})
	return nil
}

// ignore is err, or nil if it is of a kind.
func ignore(err error, kind func(error) bool) error {
	if err == nil || kind(err) {
		return nil
	}
	return err
}

// evaluated looks at the plan of an evaluation and makes it again, if one entry
// of the log alone has the checkpoint.
func (a *all) evaluated(ctx context.Context, manifest blob.Digest, last int) error {
	u := job.Unit{Job: a.Def.ID, Eval: manifest}
	_, _, err := records.Read[job.Plan](ctx, a.Store, u.PlanKey(), job.PlanFormat)
	if err == nil || !Damage(err) {
		return err
	}
	var policies []job.PolicyRef
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, a.Store, a.Def.ID, n)
		switch {
		case Damage(err):
			return nil // what it said is not known
		case err != nil:
			return err
		}
		if c, ok := e.NewCheckpoint(); ok && c.Manifest == manifest {
			u.Step = c.Step
			policies = append(policies, job.PolicyRef{Manifest: manifest, Weights: c.Weights, Entry: n})
		}
	}
	if len(policies) != 1 {
		return nil
	}
	return a.plan(ctx, a.Def.PlanEvaluation(u, policies[0]))
}
