package grpo

// Metric is one named number of a step.
type Metric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Metrics returns what the loss tells, in a fixed order, with TRL's names where
// it has one. docs/grpo.md has the formulas.
func (t Tally) Metrics(o Objective) []Metric {
	s := t.Sums
	tokens, rows := s[sumTokens], s[sumRows]
	mean := func(i int) float64 { return ratio(s[i], tokens) }
	m := []Metric{
		{"loss", s[sumLoss]},
		{"policy_loss", s[sumPolicyLoss]},
		{"num_loss_tokens", tokens},
		{"policy/old_kl", mean(sumOldDrift)},
	}
	if o.Clip.Kind != ClipGamma {
		m = append(m, Metric{"policy/ratio_mean", mean(sumRatio)})
	}
	low, high := mean(sumBelow), mean(sumAbove)
	if o.Ratio.Level == LevelSequence || o.Ratio.Level == LevelSequenceToken {
		low, high = ratio(s[sumRowsBelow], rows), ratio(s[sumRowsAbove], rows)
	}
	switch o.Clip.Kind {
	case ClipRatio:
		m = append(m,
			Metric{"clip_ratio/low_mean", low},
			Metric{"clip_ratio/low_min", t.Least[leastBelow]},
			Metric{"clip_ratio/high_mean", high},
			Metric{"clip_ratio/high_max", t.Most[mostAbove]},
			Metric{"clip_ratio/region_mean", low + high},
			Metric{"clip_ratio/token_mean", ratio(s[sumBelow]+s[sumAbove], tokens)},
		)
		if o.Clip.Dual > 0 {
			m = append(m, Metric{"clip_ratio/dual_mean", mean(sumDual)})
		}
	case ClipWeight:
		m = append(m,
			Metric{"cispo_clip_ratio", high},
			Metric{"clip_ratio/outside_mean", mean(sumOutside)},
		)
	case ClipGamma:
		m = append(m, Metric{"vespo/phi_seq_mean", ratio(s[sumGammaRows], rows)})
	case ClipSoft:
	}
	if o.divergence() {
		m = append(m, Metric{"kl", t.MeanKL()})
	}
	if s[sumEntropyKept] > 0 {
		m = append(m,
			Metric{"entropy", mean(sumEntropy)},
			Metric{"entropy/kept_ratio", mean(sumEntropyKept)},
		)
	}
	if s[sumWeight] != 0 || s[sumWeightZero] != 0 {
		m = t.samplingMetrics(m, o)
	}
	if o.Correction.OffPolicy > 0 {
		m = append(m, Metric{"sampling/off_policy_dropped_ratio", ratio(s[sumOffPolicyRows], rows)})
	}
	return m
}

func (t Tally) samplingMetrics(m []Metric, o Objective) []Metric {
	s := t.Sums
	mean := ratio(s[sumWeight], s[sumTokens])
	rows := mean
	if o.Correction.perRow() {
		rows = ratio(s[sumWeightRows], s[sumRows])
	}
	return append(m,
		Metric{"sampling/sampling_logp_difference/mean", ratio(s[sumSamplingDrift], s[sumTokens])},
		Metric{"sampling/sampling_logp_difference/max", t.Most[mostSamplingDrift]},
		Metric{"sampling/importance_sampling_ratio/min", t.Least[leastWeight]},
		Metric{"sampling/importance_sampling_ratio/mean", rows},
		Metric{"sampling/importance_sampling_ratio/token_mean", mean},
		Metric{"sampling/importance_sampling_ratio/raw_token_mean", ratio(s[sumRawWeight], s[sumTokens])},
		Metric{"sampling/importance_sampling_ratio/max", t.Most[mostWeight]},
		Metric{"sampling/effective_sample_size", ratio(float64(s[sumWeight]*s[sumWeight]), float64(s[sumTokens]*s[sumWeightSquare]))},
		Metric{"sampling/masked_ratio", ratio(s[sumWeightZero], s[sumTokens])},
	)
}
