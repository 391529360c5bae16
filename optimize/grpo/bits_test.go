package grpo_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// TestBitsOfNumerics fails when any estimator or algorithm gives other bits than
// the numerics version promises, on whatever machine it runs.
func TestBitsOfNumerics(t *testing.T) {
	t.Parallel()
	hash := sha256.New()
	put := func(values ...float64) {
		for _, v := range values {
			hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
	}
	s := numerics.NewStream(9)
	b := scoredBatch{}
	for i := range 40 {
		b.keys = append(b.keys, grpo.Key{Group: uint64(i / 5), Rollout: uint64(i)})
		b.values = append(b.values, [2]float64{s.Float64(), s.Float64()})
		b.valid = append(b.valid, [2]bool{s.IntN(4) > 0, true})
		b.lengths = append(b.lengths, 1+s.IntN(9))
	}
	for _, name := range grpo.EstimatorNames() {
		advantages := b.advantages(t, estimator(t, name))
		for _, key := range b.keys {
			put(advantages[key])
		}
	}
	for i, name := range grpo.Algorithms() {
		o := algorithm(t, name)
		o.KL = grpo.KL{Kind: grpo.K3, Coefficient: 0.1, Weighted: i%2 == 0}
		o.Correction = grpo.Correction{Level: grpo.CorrectSequenceMean, Mode: grpo.CorrectTruncate, Max: 1.1}
		o.Entropy = grpo.Entropy{Coefficient: 0.1, TopFraction: 0.5}
		batch := randomBatch(uint64(i), 6)
		g, tallies := evaluate(t, o, batch, totalsOf(batch, o))
		put(g.LogProb...)
		put(g.Entropy...)
		for _, m := range grpo.Combine(tallies).Metrics(o) {
			put(m.Value)
		}
	}
	const want = "7b0f3acbf6fc8039d7b8a8602f07af7b0692005cf9a50914caa9bab3214f4b15"
	if got := hex.EncodeToString(hash.Sum(nil)); numerics.Version != "cohort-1" || got != want {
		t.Errorf("numerics %s gives bits %s, want %s of cohort-1", numerics.Version, got, want)
	}
}
