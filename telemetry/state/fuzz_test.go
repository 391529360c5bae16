package state_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/cohort-rl/cohort/telemetry/state"
)

// FuzzReader reads a key frame and two patches from anywhere. What comes back is
// canonical, within the limits and has the hash that was said.
func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"a":[1,2]}`), []byte(`[{"op":"add","path":"/a/-","value":3}]`), []byte(`[{"op":"move","from":"/a/0","path":"/a/1"}]`), []byte(`{"a":[2,1,3]}`))
	f.Add([]byte(`[0]`), []byte(`[{"op":"copy","from":"","path":"/0"}]`), []byte(`[{"op":"test","path":"/0/0","value":0}]`), []byte(`[[0]]`))
	f.Add([]byte(`{"~":{"/":1}}`), []byte(`[{"op":"remove","path":"/~0/~1"}]`), []byte(`[{"op":"replace","path":"","value":{}}]`), []byte(`{}`))
	f.Add([]byte(`1`), []byte(`[]`), []byte(`null`), []byte(`1`))
	limits := state.Limits{Bytes: 4096, Operations: 64, Depth: 16, Names: 2}
	f.Fuzz(func(t *testing.T, full, one, two, end []byte) {
		r := state.NewReader("t", limits)
		hash := func(text []byte) []byte {
			if canonical, err := state.Canonical(text, limits); err == nil {
				text = canonical
			}
			sum := sha256.Sum256(text)
			return sum[:]
		}
		for i, c := range []state.Change{
			{Kind: state.Full, Reason: state.First, Document: full, SHA256: hash(full), Version: 1},
			{Kind: state.Patch, Document: one, SHA256: hash(end), Version: 2, Base: 1},
			{Kind: state.Full, Reason: state.AfterFailure, Document: full, SHA256: hash(full), Version: 3},
			{Kind: state.Patch, Document: two, SHA256: hash(end), Version: 4, Base: 3},
		} {
			got, err := r.Read(uint64(i), "n", c)
			if err != nil {
				if got != nil {
					t.Fatalf("a state comes with %v", err)
				}
				continue
			}
			canonical, err := state.Canonical(got, limits)
			if sum := sha256.Sum256(got); err != nil || !bytes.Equal(canonical, got) || !bytes.Equal(sum[:], c.SHA256) {
				t.Fatalf("event %d gives %s, %v", i, got, err)
			}
		}
	})
}
