package simulation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// stale are the variations whose rollouts run under older checkpoints.
func stale() []int { return []int{8, 9} }

// under checks that the rounds of a commit were planned under the checkpoint that
// the staleness names, and that the first range begins where that of the
// checkpoint's step closed, whatever happened meanwhile; chain holds the manifests
// of the steps, marks where what is planned under them begins.
func (w *world) under(ctx context.Context, e *job.Entry, chain []blob.Digest, marks [][]job.Mark) error {
	step := e.Commit.Checkpoint.Step
	at := job.PolicyStep(step, w.def.Spec.GRPO.Staleness)
	want := chain[at]
	first := job.Unit{Job: w.def.ID, Generation: e.Generation, Step: step}
	ranges, _, err := records.Read[job.Ranges](ctx, w.store, first.RangesKey(0), job.RangesFormat)
	switch {
	case e.Commit.Rounds[0].Collection > 0 || w.store.lost(err): // another collection has markers of its own
	case err != nil:
		return err
	default:
		for i, r := range ranges.Ranges {
			if r.Opening != marks[at][i] {
				return fmt.Errorf("the range of step %d begins with %+v, and not with %+v", step, r.Opening, marks[at][i])
			}
		}
	}
	for _, r := range e.Commit.Rounds {
		u := job.Unit{Job: w.def.ID, Generation: e.Generation, Step: step, Round: r.Round}
		plan, _, err := records.Read[job.Plan](ctx, w.store, u.PlanKey(), job.PlanFormat)
		switch {
		case w.store.lost(err):
		case err != nil:
			return err
		case plan.Policy.Manifest != want:
			return fmt.Errorf("step %d was planned under %s, and not under %s", step, plan.Policy.Manifest, want)
		}
		if (r.Policy == nil) != (w.def.Spec.GRPO.Staleness == 0) || r.Policy != nil && r.Policy.Manifest != want {
			return fmt.Errorf("step %d says that it was planned under %+v, and not under %s", step, r.Policy, want)
		}
	}
	return nil
}

// With several steps open at once, objects that rot, checkpoints that are pruned
// and everything else that can happen, a job comes out as the undisturbed one.
func TestStaleStepsEndAsIfNothingHadHappened(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	rewinds, pruned, cut := 0, 0, 0
	for n := range setting[int]("stale") {
		p := planOf(setting[uint64]("seed") + uint64(n))
		p.variation = stale()[n%len(stale())]
		p.rot = n%3 > 0 && !p.cancel
		p.keep = []int{0, 1, 3}[n%3]
		o, err := refs.check(t, p)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", p.seed, err, o.history)
			break
		}
		rewinds, pruned, cut = rewinds+o.rewinds, pruned+o.pruned, cut+o.cut
	}
	t.Logf("%d rewinds, %d checkpoints pruned, %d open steps cut off by an end", rewinds, pruned, cut)
}

// A job that continues another's with the same staleness ends with the id of one
// that did all steps: its first steps run under the other's last checkpoints.
func TestContinuedStalenessGivesTheIDOfTheWhole(t *testing.T) {
	t.Parallel()
	for _, variation := range stale() {
		codec := newCodec(t)
		refs := &references{codec: codec, made: map[runPlan]outcome{}}
		whole := refs.of(t, runPlan{variation: variation, steps: 5})
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(runPlan{seed: 1<<42 + 1, variation: variation, steps: 2}, codec)
			if err := w.live(); err != nil {
				t.Fatal(err)
			}
			for i, steps := range []int{3, 5} {
				next := newWorld(runPlan{
					seed: 1<<42 + 2 + uint64(i), variation: variation, steps: steps, faults: 20, start: string(whole.chain[steps-1-i]),
				}, codec)
				next.store.Bucket, next.log.topics = w.store.Bucket, w.log.topics
				if err := next.live(); err != nil {
					t.Fatalf("%v\n%s", err, next.history)
				}
				got := chainOf(t, next)
				if want := whole.chain[steps-1-i : steps+1]; !slices.Equal(got, want) {
					t.Fatalf("the checkpoints are %s, want %s\n%s", got, want, next.history)
				}
				w = next
			}
		})
	}
}

// chainOf are the manifests that the log of a world's job names.
func chainOf(t *testing.T, w *world) []blob.Digest {
	t.Helper()
	var chain []blob.Digest
	ctx := context.Background() //nolint:usetesting // the world is one of its own
	last, err := checkpoint.LastEntry(ctx, w.store, w.def.ID, -1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, w.store, w.def.ID, n)
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := e.NewCheckpoint(); ok {
			chain = append(chain, c.Manifest)
		} else if e.End.Verdict != job.Done {
			t.Fatalf("the job ended %s: %s", e.End.Verdict, e.End.Reason)
		}
	}
	return chain
}
