package main

import (
	"fmt"
	"runtime"

	"github.com/cohort-rl/cohort/numerics"
)

type versionCommand struct{}

// Run prints what this program is. Checkpoints depend on the numerics alone.
func (versionCommand) Run(s *streams) error {
	_, err := fmt.Fprintf(s.out, "cohort %s\nnumerics %s\n%s %s/%s\n", version, numerics.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
