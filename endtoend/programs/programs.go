// Package programs builds the programs that tests run as processes.
package programs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
)

// Build puts packages of Cohort, named from its root, as programs into a folder:
// with the race detector if the caller has it, so that nothing is compiled
// twice. It is called from a package's own folder, below the root.
//
// All callers share what is linked, in .cache/programs below the root, and the
// folder gets links to it: the first one links, the others look whether
// anything has changed.
func Build(ctx context.Context, into string, packages ...string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	mode, args := "plain", []string{"build", "-ldflags=-w"}
	if UnderRace() {
		mode, args = "race", append(args, "-race")
	}
	linked := filepath.Join(root, ".cache", "programs", mode)
	unlock, err := lock(linked)
	if err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	defer unlock()
	args = append(args, "-o", linked+string(filepath.Separator))
	for _, p := range packages {
		args = append(args, "github.com/cohort-rl/cohort/"+p)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // the caller names packages
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	for _, p := range packages {
		if err := os.Symlink(filepath.Join(linked, path.Base(p)), filepath.Join(into, path.Base(p))); err != nil {
			return fmt.Errorf("build the programs: %w", err)
		}
	}
	return nil
}

// moduleRoot is the nearest folder, from this one up, that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("build the programs: %w", err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		switch above := filepath.Dir(dir); {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist) || above == dir:
			return "", fmt.Errorf("build the programs: no go.mod above the working folder: %w", err)
		default:
			dir = above
		}
	}
}

// lock makes a folder and waits until no other process builds into it.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a folder of this module
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // which unlocks
}

// UnderRace reports whether the caller was built with the race detector.
func UnderRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}
