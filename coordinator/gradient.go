package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

// ahead bounds how many partial sums are held at once.
const ahead = 8

// gradients has workers compute the gradients of an update.
type gradients struct {
	*driver
	update  job.Update
	samples replay.Batch
	start   *learner.Learner // that the step began from; nobody changes it
	err     error            // of the store or the queue: the learner is not to blame
}

// asked is a part that workers compute: its shard, and how that was settled.
type asked struct {
	shard  job.Shard
	part   *learner.Part
	terms  *job.GradientTerms
	digest blob.Digest // of the terms' bytes
	record *job.GradientRecord
}

// of has parts computed, all at once, and yields their partial sums in order.
func (g *gradients) of(ctx context.Context, parts []learner.Part) iter.Seq2[learner.Partial, error] {
	return func(yield func(learner.Partial, error) bool) {
		all, err := g.ask(ctx, parts)
		if err != nil {
			g.err = err
			yield(learner.Partial{}, err)
			return
		}
		for from := 0; from < len(all); from += ahead {
			window := all[from:min(from+ahead, len(all))]
			partials, err := g.read(ctx, window)
			if err != nil {
				g.err = err
				yield(learner.Partial{}, err)
				return
			}
			for i, a := range window {
				var failed error
				if a.record.Failure != "" {
					failed = errors.New(a.record.Failure)
				}
				if !yield(partials[i], failed) || failed != nil {
					return
				}
			}
		}
	}
}

// ask sees to it that the shards of some parts are settled. Those that are
// already are not driven again, and what they need is not stored again.
func (g *gradients) ask(ctx context.Context, parts []learner.Part) ([]*asked, error) {
	weights, pieces := blob.Cut(parts[0].EncodeWeights(), int(g.def.Spec.Checkpoint.ChunkBytes))
	all := make([]*asked, len(parts))
	byShard := make(map[job.Shard]*asked, len(parts))
	for i := range parts {
		a, err := g.terms(&parts[i], weights)
		if err != nil {
			return nil, err
		}
		all[i], byShard[a.shard] = a, a
	}
	keep := func(s *settledShard) { byShard[s.Shard].record = s.gradient }
	phases := g.phases(all)
	if g.update.Resuming || g.update.Again {
		for i := range phases {
			var err error
			if phases[i], err = g.lookUp(ctx, phases[i], keep); err != nil {
				return nil, err
			}
		}
	}
	if err := g.publish(ctx, all, pieces); err != nil {
		return nil, err
	}
	group, gctx := errgroup.WithContext(ctx)
	for _, open := range phases {
		if len(open) > 0 {
			group.Go(func() error {
				return g.settle(gctx, len(all), open, keep, func(ctx context.Context, s job.Shard) error { return g.mend(ctx, byShard[s], pieces) })
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.record.Terms != a.digest {
			return nil, fmt.Errorf("read %s: it is not of the terms that this update follows from", a.shard.SettledKey())
		}
	}
	return all, nil
}

// phases are the shards of some parts, mini-batch by mini-batch.
func (g *gradients) phases(all []*asked) [][]*openShard {
	var phases [][]*openShard
	for _, a := range all {
		if a.part.Shard == 0 {
			phases = append(phases, opened(a.shard, a.part.Shards, g.def.Spec.Limits.Deadlines.Update.Std()))
		}
	}
	return phases
}

// terms say what the shard of a part computes.
func (g *gradients) terms(p *learner.Part, weights []blob.Ref) (*asked, error) {
	last := newest(g.update)
	t := &job.GradientTerms{
		Format: job.TermsFormat, Shards: p.Shards, Start: g.update.Parent, Weights: weights,
		KL: p.KL, Entropy: p.Entropy, Totals: job.GradientTotals(p.Totals),
	}
	if t.Totals.EntropyTokens == 0 {
		t.Totals.EntropyThreshold = 0 // there is none, and nothing to hold against it
	}
	place := map[blob.Ref]int{}
	for _, group := range p.Groups {
		n := g.samples.Used[group.First].Group
		file := g.samples.File[n]
		if _, ok := place[file]; !ok {
			place[file] = len(t.Parts)
			t.Parts = append(t.Parts, file)
		}
		described := job.GradientGroup{Group: n, Part: place[file], Advantages: group.Advantages}
		for _, s := range g.samples.Used[group.First:group.Last] {
			described.Rollouts = append(described.Rollouts, s.Rollout)
		}
		t.Groups = append(t.Groups, described)
	}
	body, err := sealed.Seal(t)
	if err != nil {
		return nil, fmt.Errorf("step %d: describe a gradient: %w", g.update.Step, err)
	}
	shard := job.Shard{Unit: last.Plan.Unit, Collection: last.Collection, Phase: job.Gradient(p.Epoch, p.Minibatch), Index: p.Shard}
	return &asked{shard: shard, part: p, terms: t, digest: blob.DigestOf(body)}, nil
}

// publish stores what workers need for the parts that are not settled.
func (g *gradients) publish(ctx context.Context, all []*asked, weights [][]byte) error {
	var open []*asked
	for _, a := range all {
		if a.record == nil {
			open = append(open, a)
		}
	}
	if len(open) == 0 {
		return nil
	}
	if err := blob.PutPieces(ctx, g.store, open[0].shard.Unit.BlobPrefix(), weights); err != nil {
		return err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, a := range open {
		group.Go(func() error { return g.putTerms(gctx, a) })
	}
	return group.Wait()
}

// putTerms stores the terms of a part. Corrupt ones are a pure function of what
// is here, so they are made again; others than these are an error.
func (g *gradients) putTerms(ctx context.Context, a *asked) error {
	key := a.shard.TermsKey()
	m, err := records.Mend(ctx, g.store, key, job.TermsFormat, a.terms)
	if err != nil {
		return err
	}
	g.mended(key, m.Quarantined)
	if m.Existed {
		return fmt.Errorf("read %s: it says otherwise than what follows from the step's plans and records", key)
	}
	return nil
}

// mend looks at everything that a shard reads before it is driven again, and
// makes again what can be. Of a file of the batch that is lost it returns a
// *lostError.
func (g *gradients) mend(ctx context.Context, a *asked, weights [][]byte) error {
	if err := g.putTerms(ctx, a); err != nil {
		return err
	}
	if err := blob.PutPieces(ctx, g.store, a.shard.Unit.BlobPrefix(), weights); err != nil {
		return err
	}
	if err := g.lostPart(ctx, g.update); err != nil {
		return err
	}
	_, damaged, err := g.heal(ctx, g.driver.newest(), g.staleness())
	if err != nil || damaged == nil {
		return err
	}
	event, err := g.behind(ctx, damaged)
	if event != nil {
		g.tell(ctx, event)
	}
	return err
}

// read reads the partial sums of settled shards; of one that failed there is
// none.
func (g *gradients) read(ctx context.Context, window []*asked) ([]learner.Partial, error) {
	partials := make([]learner.Partial, len(window))
	group, gctx := errgroup.WithContext(ctx)
	for i, a := range window {
		if a.record.Failure != "" {
			continue
		}
		group.Go(func() (err error) {
			partials[i], err = g.partial(gctx, a)
			return err
		})
	}
	return partials, group.Wait()
}

// partial reads the partial sum of a shard. One that is lost or corrupt is a
// pure function of what is here, so it is computed again and put back.
func (g *gradients) partial(ctx context.Context, a *asked) (learner.Partial, error) {
	body, err := blob.GetPieces(ctx, g.store, a.shard.Unit.BlobPrefix(), a.record.Sum)
	if err == nil {
		p, err := learner.DecodePartial(body, g.start.Shape().Size())
		if err != nil {
			err = fmt.Errorf("read %s: %w", a.shard.SettledKey(), err)
		}
		return p, err
	}
	if !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
		return learner.Partial{}, err
	}
	g.Logger.Warn("A partial sum of a gradient cannot be read; it is computed again.", "step", g.update.Step, "shard", a.shard.String(), "error", err)
	p, err := g.start.Compute(ctx, a.part, g.samples.Used)
	if err != nil {
		return p, err
	}
	refs, pieces := blob.Cut(p.Encode(), int(g.def.Spec.Checkpoint.ChunkBytes))
	if !slices.Equal(refs, a.record.Sum) {
		return p, fmt.Errorf("read %s: it names another sum than its terms have", a.shard.SettledKey())
	}
	return p, blob.PutPieces(ctx, g.store, a.shard.Unit.BlobPrefix(), pieces)
}
