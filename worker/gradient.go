package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/records"
)

// terms are those of a gradient shard, and the digest of their bytes.
type terms struct {
	*job.GradientTerms
	digest blob.Digest
}

func (h *hand) readTerms(ctx context.Context) (*terms, error) {
	s := h.task.Shard
	t, digest, err := records.Read[job.GradientTerms](ctx, h.store, s.TermsKey(), job.TermsFormat)
	if err == nil {
		err = t.Check(s)
	}
	return &terms{t, digest}, err
}

// gradient computes the shard's part of a gradient and settles it. That a number
// is not finite is how it came out, and so would it anywhere.
func (h *hand) gradient(ctx context.Context) (blob.Digest, error) {
	part := &learner.Part{KL: h.terms.KL, Entropy: h.terms.Entropy, Totals: grpo.Totals(h.terms.Totals)}
	samples, err := h.batch(ctx, part)
	if err != nil {
		return "", err
	}
	with, err := h.learnt(ctx)
	if err != nil {
		return "", err
	}
	record := &job.GradientRecord{Format: job.GradientFormat, Terms: h.terms.digest}
	partial, err := part.Gradient(ctx, h.job.def.Spec, samples, with)
	switch {
	case errors.Is(err, grpo.ErrNotFinite):
		record.Failure = err.Error()
	case err != nil:
		return "", err
	default:
		var pieces [][]byte
		record.Sum, pieces = blob.Cut(partial.Encode(), int(h.job.def.Spec.Checkpoint.ChunkBytes))
		if err := blob.PutPieces(ctx, h.store, h.folder(), pieces); err != nil {
			return "", err
		}
	}
	h.done.At = h.Clock.Now().UTC()
	record.Done = h.done
	return settle(ctx, h, job.GradientFormat, record)
}

// folder is where the blobs of the shard's step lie.
func (h *hand) folder() string { return h.task.Shard.Unit.BlobPrefix() }

// batch reads the samples of the shard's groups, and notes the groups in part.
func (h *hand) batch(ctx context.Context, part *learner.Part) ([]batch.Sample, error) {
	var samples []batch.Sample
	files := make([][]batch.Sample, len(h.terms.Parts))
	for _, g := range h.terms.Groups {
		if files[g.Part] == nil {
			var err error
			if files[g.Part], err = h.file(ctx, h.terms.Parts[g.Part]); err != nil {
				return nil, err
			}
		}
		file, first := files[g.Part], len(samples)
		at, _ := slices.BinarySearchFunc(file, g.Group, func(s batch.Sample, group int) int { return cmp.Compare(s.Group, group) })
		for ; at < len(file) && file[at].Group == g.Group; at++ {
			if n := len(samples) - first; n < len(g.Rollouts) && file[at].Rollout == g.Rollouts[n] {
				samples = append(samples, file[at])
			}
		}
		if n := len(samples) - first; n != len(g.Rollouts) {
			return nil, fmt.Errorf("read %s: %d samples of group %d, %d are used", h.folder()+string(h.terms.Parts[g.Part].Digest), n, g.Group, len(g.Rollouts))
		}
		part.Groups = append(part.Groups, learner.Group{First: first, Last: len(samples), Advantages: g.Advantages})
	}
	return samples, nil
}

// file reads a file of samples, once for all shards that need it.
func (h *hand) file(ctx context.Context, ref blob.Ref) ([]batch.Sample, error) {
	return h.samples.get(ctx, string(ref.Digest), func(ctx context.Context) ([]batch.Sample, int64, error) {
		key := h.folder() + string(ref.Digest)
		body, err := blob.GetContent(ctx, h.store, key, ref.Digest)
		if err != nil {
			return nil, 0, err
		}
		samples, err := batch.Read(body)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", key, err)
		}
		size := int64(0)
		for i := range samples {
			size += int64(256 + 16*len(samples[i].LogProbs) + 4*len(samples[i].Choices.Features))
		}
		return samples, size, nil
	})
}

// learnt are the policies that the shard is computed with.
func (h *hand) learnt(ctx context.Context) (learner.Policies, error) {
	with, err := h.policies.get(ctx, string(h.terms.Start.Manifest), h.started)
	if len(h.terms.Weights) == 0 || err != nil {
		return with, err
	}
	moved, err := h.policies.get(ctx, join(h.terms.Weights), func(ctx context.Context) (learner.Policies, int64, error) {
		body, err := blob.GetPieces(ctx, h.store, h.folder(), h.terms.Weights)
		if err != nil {
			return learner.Policies{}, 0, err
		}
		p, err := learner.DecodeWeights(body, with.Start.Shape())
		return learner.Policies{Now: p}, int64(len(body)), err
	})
	with.Now = moved.Now
	return with, err
}

// started reads the policy that the step began from, and the reference where the
// loss needs it; size is about how many bytes they take.
func (h *hand) started(ctx context.Context) (with learner.Policies, size int64, err error) {
	state := new(checkpoint.State)
	if kl := h.job.def.Spec.GRPO.KL; kl.Coefficient > 0 && kl.Placement != "reward" {
		_, state, err = checkpoint.Load(ctx, h.store, h.job.def.ID, h.terms.Start)
	} else {
		_, state.Weights, err = checkpoint.LoadWeights(ctx, h.store, h.job.def.ID, h.terms.Start)
	}
	if err != nil {
		return with, 0, err
	}
	if with.Start, err = checkpoint.Policy(state.Weights); err == nil && state.Reference != nil {
		with.Reference, err = checkpoint.Policy(state.Reference)
	}
	if err != nil {
		return with, 0, err
	}
	return with, int64(2 * 4 * len(with.Start.Weights().Flat)), nil
}

// join names content in pieces.
func join(refs []blob.Ref) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = string(r.Digest)
	}
	return strings.Join(names, " ")
}
