package simulation_test

import (
	"testing"
)

// The same seed gives the same history, call by call.
func TestSameSeedGivesSameHistory(t *testing.T) {
	t.Parallel()
	codec := newCodec(t)
	for seed := range uint64(25) {
		p := planOf(seed)
		if seed%3 == 2 { // objects rot and checkpoints are pruned, too
			p.rot, p.keep, p.steps, p.cancel = true, 1, 4, false
		}
		first, err := simulate(t, p, codec)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		second, _ := simulate(t, p, codec)
		a, b := first.history.picks(), second.history.picks()
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("seed %d, pick %d: first %q, then %q, after\n%s\n%s\n%s", seed, i, a[i], b[i], a[max(0, i-1)], a[max(0, i-2)], a[max(0, i-3)])
			}
		}
		if len(a) != len(b) {
			t.Fatalf("seed %d: %d picks, then %d", seed, len(a), len(b))
		}
	}
}
