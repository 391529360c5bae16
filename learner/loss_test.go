package learner_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/policy"
)

// decision is what a policy says of a decision that was taken.
type decision struct{ logProb, entropy float64 }

// lossOf is the loss of a spec over samples, as the papers write it, at float64.
// Where they stop a gradient, it has the value of the weights at the beginning.
type lossOf struct {
	t          *testing.T
	spec       *spec.Spec
	policy     policy.Of[float64]
	samples    []batch.Sample
	reference  [][]decision
	base       [][]decision // under the weights at the beginning
	old        [][]float64
	advantages []float64
	kept       float64 // the entropy from which decisions are kept
}

func newLoss(t *testing.T, s *spec.Spec, samples []batch.Sample, reference []float32) *lossOf {
	t.Helper()
	p, err := policy.NewOf[float64](policy.Shape{Kind: s.Policy.Kind, Features: s.Policy.Features, Hidden: s.Policy.Hidden}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &lossOf{t: t, spec: s, policy: p, samples: samples}
	l.reference = l.evaluate(widen(reference))
	return l
}

// evaluate is what a policy of some weights says of each sample's decisions.
func (l *lossOf) evaluate(weights []float64) [][]decision {
	copy(l.policy.Weights().Flat, weights)
	all := make([][]decision, len(l.samples))
	for i, s := range l.samples {
		c := policy.ChoicesOf[float64]{Width: s.Choices.Width, Features: widen(s.Choices.Features), Offsets: s.Choices.Offsets, Chosen: s.Choices.Chosen}
		var a policy.ActivationsOf[float64]
		l.policy.Forward(&a, c)
		for d := range a.LogProb {
			all[i] = append(all[i], decision{a.LogProb[d], a.Entropy[d]})
		}
	}
	return all
}

// begin fixes all that does not move with the weights.
func (l *lossOf) begin(weights []float64) {
	g := l.spec.GRPO
	l.base = l.evaluate(weights)
	var entropies []float64
	for i, s := range l.samples {
		old := widen(s.LogProbs)
		if g.Old == "recomputed" {
			for d := range old {
				old[d] = l.base[i][d].logProb
			}
		}
		l.old = append(l.old, old)
		if l.masked(i) {
			continue
		}
		for _, d := range l.base[i] {
			entropies = append(entropies, d.entropy)
		}
	}
	if l.kept = math.Inf(-1); g.Entropy != nil && g.Entropy.TopFraction > 0 {
		slices.Sort(entropies)
		at := (1 - g.Entropy.TopFraction) * float64(len(entropies)-1)
		below := entropies[int(at)]
		l.kept = below + (at-math.Floor(at))*(entropies[int(at)+1]-below)
	}
	for first := 0; first < len(l.samples); first += 3 {
		l.advantages = append(l.advantages, l.group(first)...)
	}
}

// group are the advantages of three samples: (r - mean) / (sample standard
// deviation + epsilon), of rewards less what is taken from them.
func (l *lossOf) group(first int) []float64 {
	g := l.spec.GRPO
	rewards := make([]float64, 3)
	var mean, squares float64
	for j := range rewards {
		i := first + j
		rewards[j] = l.samples[i].Reward
		if g.KL.Placement == "reward" && !l.masked(i) {
			for d, old := range l.old[i] {
				rewards[j] -= g.KL.Coefficient * divergence(g.KL.Kind, l.reference[i][d].logProb-old)
			}
		}
		if o := g.Overlong; o != nil {
			over := float64(len(l.old[i])-(o.MaxLength-o.Buffer)) / float64(o.Buffer)
			rewards[j] -= o.Factor * min(max(over, 0), 1)
		}
		mean += rewards[j] / 3
	}
	for _, r := range rewards {
		squares += (r - mean) * (r - mean)
	}
	for j, r := range rewards {
		rewards[j] = (r - mean) / (math.Sqrt(squares/2) + *g.Advantage.Epsilon)
	}
	return rewards
}

func (l *lossOf) masked(i int) bool {
	return l.spec.GRPO.Truncated == "mask" && l.samples[i].Truncated
}

func divergence(kind string, x float64) float64 {
	switch kind {
	case "k1":
		return -x
	case "k2":
		return x * x / 2
	}
	return math.Exp(x) - x - 1
}

// at is the loss under some weights.
func (l *lossOf) at(weights []float64) float64 {
	g := l.spec.GRPO
	var sum, means, tokens, longest, bonus, bonuses float64
	for i, now := range l.evaluate(weights) {
		longest = max(longest, float64(len(now)))
		if l.masked(i) {
			continue
		}
		row := 0.0
		for d, loss := range l.row(i, now) {
			if l.base[i][d].entropy >= l.kept {
				row += loss * l.weight(i, d)
				bonus += now[d].entropy
				bonuses++
			}
			if c := g.KL.Coefficient; c > 0 && g.KL.Placement != "reward" {
				estimate := divergence(g.KL.Kind, l.reference[i][d].logProb-now[d].logProb)
				if g.KL.Placement == "weighted_loss" {
					estimate *= l.ratio(i, d, now)
				}
				row += c * estimate
			}
		}
		sum, tokens = sum+row, tokens+float64(len(now))
		means += row / float64(len(now))
	}
	if g.Entropy == nil {
		bonus = 0
	} else {
		bonus *= g.Entropy.Coefficient / bonuses
	}
	rows := float64(len(l.samples)) // a row that is masked out counts, as in TRL
	switch cmp.Or(g.Aggregation, ownAggregation(g.Algorithm)) {
	case "sequence_mean", "rollout_mean":
		return means/rows - bonus
	case "sequence_sum":
		return sum/rows - bonus
	case "sequence_sum_norm":
		return sum/(rows*cmp.Or(float64(g.MaxLength), longest)) - bonus
	case "token_sum":
		return sum - bonus
	}
	return sum/tokens - bonus
}

func ownAggregation(algorithm string) string {
	switch algorithm {
	case "dr_grpo":
		return "sequence_sum_norm"
	case "luspo":
		return "sequence_sum"
	case "dapo", "bnpo", "ppo_dual_clip", "cispo", "vespo", "gpg", "topr":
		return "token_mean"
	}
	return "sequence_mean"
}

// weight is the correction of a decision.
func (l *lossOf) weight(i, d int) float64 {
	c := l.spec.GRPO.Correction
	if c == nil {
		return 1
	}
	var drift, distance float64
	n := float64(len(l.old[i]))
	for j, recorded := range l.samples[i].LogProbs {
		drift += l.old[i][j] - float64(recorded)
		distance += (float64(recorded) - l.base[i][j].logProb) / n
	}
	if c.OffPolicy > 0 && l.advantages[i] < 0 && distance > c.OffPolicy {
		return 0
	}
	switch c.Level {
	case "":
		return 1
	case "token":
		drift = l.old[i][d] - float64(l.samples[i].LogProbs[d])
	case "sequence_mean":
		drift /= n
	}
	w := math.Exp(drift)
	if c.Mode == "mask" && (w < c.Min || w > c.Max) {
		return 0
	}
	return min(max(w, c.Min), c.Max)
}

// logRatios are the logarithms of the ratios of a sample's decisions.
func (l *lossOf) logRatios(i int, now []decision) []float64 {
	x := make([]float64, len(now))
	for d := range now {
		x[d] = now[d].logProb - l.old[i][d]
	}
	return x
}

// ratio is what a decision's clip looks at.
func (l *lossOf) ratio(i, d int, now []decision) float64 {
	x := l.logRatios(i, now)
	switch l.spec.GRPO.Algorithm {
	case "gspo", "luspo":
		return math.Exp(mean(x))
	case "gspo_token":
		return math.Exp(mean(l.logRatios(i, l.base[i])) + now[d].logProb - l.base[i][d].logProb)
	case "gmpo":
		a := l.advantages[i]
		for j := range x {
			if a > 0 {
				x[j] = min(x[j], *l.spec.GRPO.ClipHigh)
			} else {
				x[j] = max(x[j], -*l.spec.GRPO.ClipLow)
			}
		}
		return math.Exp(mean(x))
	}
	return math.Exp(x[d])
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// row are the policy losses of a sample's decisions.
func (l *lossOf) row(i int, now []decision) []float64 {
	g, a, losses := l.spec.GRPO, l.advantages[i], make([]float64, len(now))
	for d := range now {
		rho, fixed, lp := l.ratio(i, d, now), math.Exp(l.base[i][d].logProb-l.old[i][d]), now[d].logProb
		switch g.Algorithm {
		case "gmpo":
			losses[d] = -rho * a
		case "cispo":
			losses[d] = -min(max(fixed, 1-*g.ClipLow), 1+*g.ClipHigh) * a * lp
		case "sapo":
			tau := g.TauNegative
			if a > 0 {
				tau = g.TauPositive
			}
			losses[d] = -4 / tau / (1 + math.Exp(-tau*(rho-1))) * a
		case "vespo":
			w := math.Exp(mean(l.logRatios(i, l.base[i])) * float64(len(now)))
			k, lambda := g.ShapePositive, g.RatePositive
			if a < 0 {
				k, lambda = g.ShapeNegative, g.RateNegative
			}
			losses[d] = -math.Pow(w, k) * math.Exp(lambda*(1-w)) * a * lp
		case "gpg":
			losses[d] = -a * lp
		case "topr":
			if a >= 0 {
				fixed = 1
			}
			losses[d] = -min(fixed, 1) * a * lp
		default:
			losses[d] = -min(rho*a, min(max(rho, 1-*g.ClipLow), 1+*g.ClipHigh)*a)
			if a < 0 && g.ClipDual > 0 {
				losses[d] = min(losses[d], -g.ClipDual*a)
			}
		}
	}
	return losses
}
