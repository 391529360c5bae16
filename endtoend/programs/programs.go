// Package programs builds the programs that tests run as processes.
package programs

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
)

// Build builds packages of Cohort, named from its root, into a folder: with the
// race detector if the caller has it, so that nothing is compiled twice. It is
// called from a package's own folder, below the root.
func Build(ctx context.Context, into string, packages ...string) error {
	args := []string{"build", "-ldflags=-w", "-o", into + string(filepath.Separator)}
	if UnderRace() {
		args = append(args, "-race")
	}
	for _, p := range packages {
		args = append(args, "github.com/cohort-rl/cohort/"+p)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // the caller names packages
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// UnderRace reports whether the caller was built with the race detector.
func UnderRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}
