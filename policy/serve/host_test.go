package serve_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPolicy returns a policy whose weights are all different from zero, and
// their digest.
func newPolicy(tb testing.TB, seed uint64) (policy.Policy, blob.Digest) {
	tb.Helper()
	p, err := policy.New(policy.Shape{Kind: policy.MLP, Features: 3, Hidden: 8}, seed)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range p.Weights().Flat {
		p.Weights().Flat[i] += 0.1
	}
	return p, p.Weights().Digest()
}

func TestFullHostForgetsWhatWasAskedForLongestAgo(t *testing.T) {
	t.Parallel()
	host := serve.NewHost(2)
	digests := make([]blob.Digest, 3)
	put := func(i int) {
		p, digest := newPolicy(t, uint64(i))
		digests[i] = digest
		if got := host.Put(p); got != digest {
			t.Fatalf("Put returned %s, the weights have %s", got, digest)
		}
	}
	put(0)
	put(1)
	if _, ok := host.Get(digests[0]); !ok {
		t.Fatal("the first policy is gone before the host is full")
	}
	put(1) // again, which makes it the latest
	if _, ok := host.Get(digests[0]); !ok {
		t.Fatal("a policy put twice counts twice")
	}
	put(2)
	for i, want := range []bool{true, false, true} {
		if _, ok := host.Get(digests[i]); ok != want {
			t.Errorf("policy %d is served: %v, expected %v", i, ok, want)
		}
	}
}
