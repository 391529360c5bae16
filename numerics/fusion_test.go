//go:build fusion

package numerics_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// TestNothingThatReachesWeightsIsFused compiles the packages whose results
// reach a checkpoint for arm64, where the compiler fuses a product with a sum
// unless the product is converted, and looks for fused instructions. It is part
// of `make lint`, because it looks at code and compiles the standard library.
func TestNothingThatReachesWeightsIsFused(t *testing.T) {
	t.Parallel()
	const module = "github.com/cohort-rl/cohort/"
	fused := regexp.MustCompile(`\bFN?M(ADD|SUB)[SD]?\b`)
	symbol := regexp.MustCompile(`^TEXT (\S+)`)
	for _, name := range []string{"numerics", "optimize", "optimize/grpo", "policy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if files, _ := filepath.Glob(filepath.Join("..", filepath.FromSlash(name), "*.go")); len(files) == 0 {
				t.Skipf("fusion: package %s is not here", name)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			binary := filepath.Join(t.TempDir(), "arm64.test")
			// The tests instantiate the generic functions.
			build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-o", binary, module+name)
			build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
			if out, err := build.CombinedOutput(); err != nil {
				t.Skipf("fusion: this toolchain cannot build for arm64: %v\n%s", err, out)
			}
			own := "^" + regexp.QuoteMeta(module+name) + `\.`
			listing, err := exec.CommandContext(ctx, "go", "tool", "objdump", "-s", own, binary).Output()
			if err != nil {
				t.Skipf("fusion: this toolchain cannot disassemble arm64: %v", err)
			}
			in, functions := "", 0
			for line := range bytes.Lines(listing) {
				if m := symbol.FindSubmatch(line); m != nil {
					in = string(m[1])
					functions++
				}
				if fused.Match(line) {
					t.Errorf("%s: %s", in, bytes.TrimSpace(line))
				}
			}
			if functions == 0 {
				t.Error("no function of the package in the binary")
			}
		})
	}
}
