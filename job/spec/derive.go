package spec

import (
	"net/url"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// derive fills in what follows from other settings.
func (s *Spec) derive() {
	if s.Agent.Health == "" {
		if u, err := url.Parse(s.Agent.URL); err == nil && u.Host != "" {
			s.Agent.Health = u.Scheme + "://" + u.Host + "/healthz"
		}
	}
	if sampling := &s.GRPO.DynamicSampling; sampling.MinGroups == 0 && sampling.Rounds > 1 {
		sampling.MinGroups = s.Tasks.Groups
	}
	s.GRPO.derive()
	s.GRPO.Advantage.derive()
	s.Reward.derive()
	if s.Eval == nil {
		return
	}
	if s.Eval.Data == "" {
		s.Eval.Data = s.Tasks.Data
	}
	if s.Eval.Timeout == 0 {
		s.Eval.Timeout = s.Agent.Timeout
	}
}

// derive fills in the clip of the algorithm and the bound of the correction. An
// aggregation that is the algorithm's own says nothing, and is left out.
func (g *GRPO) derive() {
	if c := g.Correction; c != nil && c.Level != "" && c.Max == 0 {
		if c.Max = 2; c.Mode == string(grpo.CorrectMask) {
			c.Max = 3
		}
	}
	row, err := grpo.Algorithm(g.Algorithm)
	if err != nil {
		return // which is reported where it is decoded
	}
	if g.Aggregation == string(row.Aggregation.Kind) {
		g.Aggregation = ""
	}
	low, high := row.Clip.Low, row.Clip.High
	switch {
	case g.Algorithm == "cispo": // its bounds are those of the weight itself
		low, high = 1-row.Clip.Positive.Lower, row.Clip.Positive.Upper-1
	case row.Clip.Kind != grpo.ClipRatio:
		return
	}
	if g.ClipLow == nil {
		g.ClipLow = &low
	}
	if g.ClipHigh == nil {
		g.ClipHigh = &high
	}
	if g.ClipDual == 0 {
		g.ClipDual = row.Clip.Dual
	}
}

// derive fills in the scale of the estimator, and the epsilon of the scale.
func (a *Advantage) derive() {
	row, err := grpo.NamedEstimator(a.Estimator)
	if err != nil {
		return
	}
	if a.Scale == "" {
		a.Scale = string(row.Scale)
	}
	if a.Epsilon != nil {
		return
	}
	epsilon := row.Epsilon
	switch {
	case a.Scale == string(row.Scale) && epsilon > 0:
	case a.Scale == string(grpo.ScaleWhiten):
		epsilon = 1e-8
	case a.Scale == string(grpo.ScaleGroup), a.Scale == string(grpo.ScaleBatch), a.Estimator == "grpo":
		epsilon = 1e-4
	default:
		return
	}
	a.Epsilon = &epsilon
}
