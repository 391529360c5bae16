// Package docs_test runs the commands of the documentation, so that what a
// reader types is what a test typed before.
package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

const root = ".."

// TestEveryCommandOfTheDocsRuns executes the marked blocks of each Markdown
// file in order, as a reader who stands in a fresh clone after `make build`.
func TestEveryCommandOfTheDocsRuns(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	built := false
	for _, file := range markdown(t) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := blocksOf(file, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		if hasRun(blocks) && !built {
			build(t, programs)
			built = true
		}
		follow(t, blocks, programs)
	}
}

// follow runs one file's blocks in one fresh folder, each going on where the one
// above it ended.
func follow(t *testing.T, blocks []block, programs string) {
	t.Helper()
	if len(blocks) == 0 {
		return
	}
	dir := t.TempDir()
	clone(t, dir, programs)
	for _, b := range blocks {
		if len(b.commands) == 0 {
			continue
		}
		t.Run(b.name(), func(t *testing.T) {
			if b.mark.skip != "" {
				t.Skip(b.mark.skip)
			}
			said, err := run(t.Context(), b, dir)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
		})
	}
}

func hasRun(blocks []block) bool {
	for _, b := range blocks {
		if b.mark.skip == "" && len(b.commands) > 0 {
			return true
		}
	}
	return false
}

// markdown lists the files whose commands are run, by their path in the repo.
func markdown(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			file, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return files
}

// build compiles the programs as this test was compiled, so that nothing is
// compiled twice.
func build(t *testing.T, into string) {
	t.Helper()
	args := []string{"build", "-o", into + string(filepath.Separator)}
	if underRace() {
		args = append(args, "-race")
	}
	command := exec.CommandContext(t.Context(), "go", append(args, "./cmd/...")...)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
}

func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}

// clone lays out what commands in the docs refer to.
func clone(t *testing.T, dir, programs string) {
	t.Helper()
	if err := os.Symlink(programs, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"examples", "deploy"} {
		from := filepath.Join(root, part)
		if _, err := os.Stat(from); os.IsNotExist(err) {
			continue
		}
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(from)); err != nil {
			t.Fatal(fmt.Errorf("copy %s: %w", part, err))
		}
	}
}
