package grpo

import (
	"github.com/cohort-rl/cohort/numerics"
)

// row is what is known of a row before its tokens are evaluated.
type row struct {
	first, last  int     // its tokens
	length       float64 // those that the mask lets through
	advantage    float64
	ratio        float64 // of the row; under LevelToken unused
	active       float64 // 0 where a bound holds the logarithm of the ratio
	mean         float64 // what divides the logarithm of a row's ratio
	lower, upper float64 // bounds of the ratio, given the advantage
	temperature  float64 // SAPO's
	gamma        float64 // VESPO's weight
	weight       float64 // correction of the row; 0 drops its policy loss
	outside      int     // tokens outside the bounds of the geometric level
	offPolicy    bool    // dropped by OPSM
	plain        float64 // weight of a token's loss by the aggregation
	policy       float64 // plain times weight
}

// leastWeightLog is log(1e-8), where VESPO bounds the logarithm of its weight
// from below.
const leastWeightLog = -18.420680743952367

// widestLog is where VESPO bounds logarithms from above, and where metrics bound
// those of weights.
const widestLog = 20

// measure takes the sums over the row that its tokens need. The next row takes
// the memory.
func (k *kernel[T]) measure(first, last, length int, advantage float64) *row {
	r := &k.signs[1]
	if advantage < 0 {
		r = &k.signs[0]
	} else if advantage > 0 {
		r = &k.signs[2]
	}
	r.first, r.last, r.length, r.advantage = first, last, float64(length), advantage
	r.weight, r.active, r.outside, r.offPolicy = 1, 1, 0, false
	if k.is.rowWeights {
		r.weight = k.rowWeight(first, last)
	}
	switch {
	case k.is.gamma:
		r.gamma = k.weight(r)
		r.weight = 1 // The correction is inside VESPO's weight.
	case k.Ratio.Level != LevelToken:
		k.rowRatio(r)
	}
	if k.Correction.OffPolicy > 0 && advantage < 0 && k.samplingDistance(r) > k.Correction.OffPolicy {
		r.weight, r.offPolicy = 0, true
	}
	return r
}

// rowRatio sets the ratio of a row.
func (k *kernel[T]) rowRatio(r *row) {
	sum := 0.0
	for from, to := k.next(r.first, r.last); from < to; from, to = k.next(to, r.last) {
		logProb, old := k.batch.LogProb[from:to], k.batch.Old[from:to]
		old = old[:len(logProb)]
		if k.is.geometric {
			for i, v := range logProb {
				x := float64(v) - float64(old[i])
				if x < -k.Clip.Low || x > k.Clip.High {
					r.outside++
				}
				x, _ = k.hold(x, r.advantage)
				sum += x
			}
			continue
		}
		for i, v := range logProb {
			sum += float64(v) - float64(old[i])
		}
	}
	r.mean = r.length
	if k.is.geometric {
		r.mean += k.Aggregation.LengthEpsilon
	}
	x, active := k.boundLog(sum / r.mean)
	r.ratio, r.active = numerics.Exp(x), active
}

// hold holds the logarithm of a token's ratio at the bound beyond which it
// would raise the objective; the second result is 0 where it is held.
func (k *kernel[T]) hold(x, advantage float64) (float64, float64) {
	switch {
	case advantage > 0 && x > k.Clip.High:
		return k.Clip.High, 0
	case advantage < 0 && x < -k.Clip.Low:
		return -k.Clip.Low, 0
	case advantage == 0:
		return 0, 0
	}
	return x, 1
}

// boundLog applies the bounds of the logarithm of a ratio; the second result is
// 0 where one holds it.
func (k *kernel[T]) boundLog(x float64) (float64, float64) {
	if k.Ratio.LogMin == 0 && k.Ratio.LogMax == 0 {
		return x, 1
	}
	switch {
	case x < k.Ratio.LogMin:
		return k.Ratio.LogMin, 0
	case x > k.Ratio.LogMax:
		return k.Ratio.LogMax, 0
	}
	return x, 1
}

// weight returns phi(w) = w^k e^(lambda (1-w)), w the product of the row's ratios
// and correction weights, all in logarithms with VESPO's bounds.
func (k *kernel[T]) weight(r *row) float64 {
	sum := 0.0
	for t := r.first; t < r.last; t++ {
		if !k.in(t) {
			continue
		}
		x := float64(k.batch.LogProb[t]) - float64(k.batch.Old[t])
		sum += min(max(x, -widestLog), widestLog)
		if k.Correction.Level == CorrectToken {
			sum += boundedLog(k.tokenWeight(t))
		}
	}
	if k.is.rowWeights {
		sum += boundedLog(r.weight)
	}
	logWeight := min(max(sum, leastWeightLog), widestLog)
	shape := k.Clip.GammaPositive
	if r.advantage < 0 {
		shape = k.Clip.GammaNegative
	}
	w := numerics.Exp(logWeight)
	return numerics.Exp(shape.Rate + float64(shape.Shape*logWeight) - float64(shape.Rate*w))
}

func boundedLog(w float64) float64 { return min(max(numerics.Log(w), leastWeightLog), widestLog) }

// samplingDistance returns the mean of logpi_sampling - logpi over the row.
func (k *kernel[T]) samplingDistance(r *row) float64 {
	from := k.batch.Sampling
	if from == nil {
		from = k.batch.Old
	}
	sum := 0.0
	for t := r.first; t < r.last; t++ {
		if d := float64(from[t]) - float64(k.batch.LogProb[t]); k.in(t) && d == d {
			sum += d
		}
	}
	return sum / r.length
}
