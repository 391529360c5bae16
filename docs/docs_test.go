// Package docs_test runs the commands of the documentation, so that what a
// reader types is what a test typed before.
package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cohort-rl/cohort/docs/shell"
	"github.com/cohort-rl/cohort/endtoend/programs"
)

const root = ".."

// TestEveryCommandOfTheDocsRuns executes the marked blocks of each Markdown
// file in order, as a reader who stands in a fresh clone after `make build`.
func TestEveryCommandOfTheDocsRuns(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	built := false
	for _, file := range markdown(t) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := shell.Blocks(file, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		if hasRun(blocks) && !built {
			if err := programs.Build(t.Context(), bin, "cmd/cohort", "cmd/coordinator", "cmd/worker"); err != nil {
				t.Fatal(err)
			}
			built = true
		}
		follow(t, blocks, bin)
	}
}

// follow runs one file's blocks in one fresh folder, each going on where the one
// above it ended.
func follow(t *testing.T, blocks []shell.Block, bin string) {
	t.Helper()
	if len(blocks) == 0 {
		return
	}
	dir := t.TempDir()
	clone(t, dir, bin)
	for _, b := range blocks {
		if len(b.Commands) == 0 {
			continue
		}
		t.Run(b.Name(), func(t *testing.T) {
			if b.Mark.Skip != "" {
				t.Skip(b.Mark.Skip)
			}
			if b.Mark.Services {
				t.Skip("package integration runs it")
			}
			said, err := b.Run(t.Context(), dir)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
		})
	}
}

func hasRun(blocks []shell.Block) bool {
	for _, b := range blocks {
		if b.Mark.Skip == "" && !b.Mark.Services && len(b.Commands) > 0 {
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

// clone lays out what commands in the docs refer to.
func clone(t *testing.T, dir, bin string) {
	t.Helper()
	if err := os.Symlink(bin, filepath.Join(dir, "bin")); err != nil {
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
