package policy_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// Whoever changes these bits breaks every checkpoint that was made before, and
// must change numerics.Version. They are the same on every architecture.
func TestBitsAreThoseOfTheNumericsVersion(t *testing.T) {
	t.Parallel()
	if numerics.Version != "cohort-1" {
		t.Fatalf("these are the bits of cohort-1, not of %s", numerics.Version)
	}
	for _, test := range []struct {
		shape policy.Shape
		want  string
	}{
		{policy.Shape{Kind: policy.Linear, Features: 22}, "318d1daa09c58ec6"},
		{policy.Shape{Kind: policy.MLP, Features: 22, Hidden: 128}, "92e9d891a93cadd9"},
	} {
		s := numerics.NewStream(17)
		p := randomPolicy[float32](t, test.shape, s)
		c := randomChoices[float32](s, 40, 22, 30)
		gradient := make([]float32, test.shape.Size())
		var act policy.Activations
		p.Forward(&act, c)
		p.Backward(gradient, &act, c, randomVector[float32](s, 40), randomVector[float32](s, 40))
		h := sha256.New()
		for _, x := range [][]float32{p.Weights().Flat, act.LogProb, act.Entropy, gradient} {
			hashBits(h, x)
		}
		if got := hex.EncodeToString(h.Sum(nil))[:16]; got != test.want {
			t.Errorf("%s has bits %s, expected %s", test.shape.Kind, got, test.want)
		}
	}
}

func hashBits(h hash.Hash, x []float32) {
	for _, v := range x {
		_ = binary.Write(h, binary.LittleEndian, math.Float32bits(v)) // A hash takes everything.
	}
}
