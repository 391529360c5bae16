//go:build services

package machines_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"
)

// The packages whose results reach weights have tests that pin their bits. A
// checkpoint rounds to float32, these do not.
func TestPinnedBitsHoldOnEveryMachine(t *testing.T) { //nolint:paralleltest // a machine at a time takes both cores
	for _, m := range machines() {
		t.Run(m.name, func(t *testing.T) {
			runner := m.runner(t.Context(), t)
			for _, name := range []string{"numerics", "policy", "optimize", "optimize/grpo", "learner"} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					program := m.build(ctx, t, "test", "-vet=off", "-c", "github.com/cohort-rl/cohort/"+name)
					folder := filepath.Join("..", "..", filepath.FromSlash(name))
					if out := run(ctx, t, folder, append(slices.Clone(runner), program, "-test.v", "-test.run=Bits")...); !bytes.Contains(out, []byte("--- PASS")) {
						t.Errorf("%s has no test that pins its bits:\n%s", name, out)
					}
				})
			}
		})
	}
}
