package grpo_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// trlLoss is the loss as TRL 1.16 defines it, written down row by row with the
// math package and without a gradient, for the options that the golden file
// does not hold: corrections, off-policy masks, entropy masks and bonus.
func trlLoss(o grpo.Objective, b batch64, totals grpo.Totals) float64 {
	loss, bonus := 0.0, 0.0
	for j := range b.Layout.Rollouts() {
		firstRow, lastRow := b.Layout.RowsOf(j)
		for i := firstRow; i < lastRow; i++ {
			var tokens []int
			first, last := b.Layout.TokensOf(i)
			for t := first; t < last; t++ {
				if b.Mask[t] {
					tokens = append(tokens, t)
				}
			}
			if len(tokens) == 0 {
				continue
			}
			sum := trlRow(o, b, totals, tokens, b.Advantages[j])
			switch o.Aggregation.Kind {
			case grpo.TokenMean:
				loss += sum / float64(totals.Tokens)
			case grpo.SequenceMean:
				loss += sum / float64(len(tokens)) / float64(totals.Rows)
			case grpo.SequenceSum:
				loss += sum / float64(totals.Rows)
			case grpo.SequenceSumNorm:
				loss += sum / float64(totals.Rows*totals.MaxLength)
			}
			for _, t := range tokens {
				if o.Entropy.TopFraction == 0 || b.Entropy[t] >= totals.EntropyThreshold {
					bonus += b.Entropy[t] / float64(totals.EntropyTokens)
				}
			}
		}
	}
	return loss - o.Entropy.Coefficient*bonus
}

// trlRow is the sum of the losses of a row's tokens.
func trlRow(o grpo.Objective, b batch64, totals grpo.Totals, tokens []int, advantage float64) float64 {
	weights := trlWeights(o.Correction, b, tokens)
	meanX, distance, logProduct := 0.0, 0.0, 0.0
	for n, t := range tokens {
		x := b.LogProb[t] - b.Old[t]
		meanX += x / float64(len(tokens))
		distance += (b.Sampling[t] - b.LogProb[t]) / float64(len(tokens))
		logProduct += min(max(x, -20), 20)
		if o.Correction.Level == grpo.CorrectToken || (o.Correction.Level != "" && n == 0) {
			logProduct += min(max(math.Log(weights[n]), math.Log(1e-8)), 20)
		}
	}
	dropped := o.Correction.OffPolicy > 0 && advantage < 0 && distance > o.Correction.OffPolicy
	sum := 0.0
	for n, t := range tokens {
		rho := math.Exp(b.LogProb[t] - b.Old[t])
		if o.Ratio.Level == grpo.LevelSequence {
			rho = math.Exp(meanX)
		}
		loss := 0.0
		switch o.Clip.Kind {
		case grpo.ClipRatio:
			one := rho
			if o.Clip.Dual > 0 {
				one = min(rho, o.Clip.Dual)
			}
			two := min(max(rho, 1-o.Clip.Low), 1+o.Clip.High)
			loss = -min(one*advantage, two*advantage)
		case grpo.ClipWeight:
			loss = -min(rho, o.Clip.Positive.Upper) * advantage * b.LogProb[t]
		case grpo.ClipSoft:
			tau := o.Clip.TauNegative
			if advantage > 0 {
				tau = o.Clip.TauPositive
			}
			loss = -4 / tau / (1 + math.Exp(-tau*(rho-1))) * advantage
		case grpo.ClipGamma:
			shape := o.Clip.GammaNegative
			if advantage >= 0 {
				shape = o.Clip.GammaPositive
			}
			log := min(max(logProduct, math.Log(1e-8)), 20)
			phi := math.Exp(shape.Rate + shape.Shape*log - shape.Rate*math.Exp(log))
			loss = -phi * advantage * b.LogProb[t]
		}
		if dropped || (o.Entropy.TopFraction > 0 && b.Entropy[t] < totals.EntropyThreshold) {
			loss = 0
		}
		if o.Clip.Kind != grpo.ClipGamma {
			loss *= weights[n]
		}
		if o.KL.Kind == grpo.K3 {
			y := b.Reference[t] - b.LogProb[t]
			kl := math.Exp(y) - y - 1
			if o.KL.Weighted {
				kl *= rho
			}
			loss += o.KL.Coefficient * kl
		}
		sum += loss
	}
	return sum
}

func trlWeights(c grpo.Correction, b batch64, tokens []int) []float64 {
	weights := make([]float64, len(tokens))
	sum := 0.0
	for _, t := range tokens {
		sum += b.Old[t] - b.Sampling[t]
	}
	for n, t := range tokens {
		switch c.Level {
		case "":
			weights[n] = 1
			continue
		case grpo.CorrectToken:
			weights[n] = math.Exp(b.Old[t] - b.Sampling[t])
		case grpo.CorrectSequence:
			weights[n] = math.Exp(sum)
		}
		switch {
		case c.Mode == grpo.CorrectTruncate:
			weights[n] = min(max(weights[n], c.Min), c.Max)
		case weights[n] < c.Min || weights[n] > c.Max:
			weights[n] = 0
		}
	}
	return weights
}

func TestLossIsThatOfTRLWithEveryOption(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"grpo", "dapo", "bnpo", "dr_grpo", "gspo", "cispo", "sapo", "vespo", "luspo"}
		o := algorithm(t, rapid.SampledFrom(names).Draw(t, "algorithm"))
		if o.Clip.Kind == grpo.ClipRatio {
			o.Clip.Low, o.Clip.High = 0.1, 0.15
			o.Clip.Dual = rapid.SampledFrom([]float64{0, 1.25}).Draw(t, "dual")
		}
		if rapid.Bool().Draw(t, "kl") && o.Clip.Kind != grpo.ClipGamma {
			o.KL = grpo.KL{Kind: grpo.K3, Coefficient: 0.2, Weighted: rapid.Bool().Draw(t, "weighted")}
		}
		level := rapid.SampledFrom([]grpo.CorrectionLevel{"", grpo.CorrectToken, grpo.CorrectSequence}).Draw(t, "correction")
		if level != "" {
			mode := rapid.SampledFrom([]grpo.CorrectionMode{grpo.CorrectTruncate, grpo.CorrectMask}).Draw(t, "mode")
			o.Correction = grpo.Correction{Level: level, Mode: mode, Min: 0.8, Max: 1.2}
		}
		o.Correction.OffPolicy = rapid.SampledFrom([]float64{0, 0.03}).Draw(t, "off policy")
		o.Entropy.TopFraction = rapid.SampledFrom([]float64{0, 0.4}).Draw(t, "top fraction")
		o.Entropy.Coefficient = rapid.SampledFrom([]float64{0, 0.05}).Draw(t, "entropy")
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 4)
		totals := totalsOf(b, o)
		_, tallies := evaluate(t, o, b, totals)
		got, want := grpo.Combine(tallies).Loss(), trlLoss(o, b, totals)
		if math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
			t.Fatalf("loss %v, want %v", got, want)
		}
	})
}
