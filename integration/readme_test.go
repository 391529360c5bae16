//go:build services

package integration_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/docs/shell"
)

// TestReadmeOnRealServices executes the section as a reader who stands in a
// fresh clone after `make build`, with the programs that up has fetched already.
func TestReadmeOnRealServices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := shell.Blocks("README.md", string(text))
	if err != nil {
		t.Fatal(err)
	}
	blocks = slices.DeleteFunc(blocks, func(b shell.Block) bool { return !b.Mark.Services })
	if len(blocks) != 1 {
		t.Fatalf("README.md has %d blocks for real services, want 1", len(blocks))
	}
	dir := clone(t)
	for _, port := range []string{"7070", "7071", "7072", "8090"} { // of the block's coordinator, worker and agent
		awaitFree(t, "127.0.0.1:"+port)
	}
	said, err := prepared(t, blocks[0]).Run(t.Context(), dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if !regexp.MustCompile(`(?m)^cohort_shards_total\{phase="rollout",result="done"\} [1-9]`).MatchString(said) {
		t.Errorf("the third worker took no shards:\n%s", said)
	}
	for _, name := range []string{"manifest.json", "ledger.parquet", "policy.safetensors"} {
		if _, err := os.Stat(filepath.Join(dir, "out", name)); err != nil {
			t.Errorf("results: %v\n%s", err, said)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "data", "services", "*", "pid")); err != nil || len(left) > 0 {
		t.Errorf("services that were left running: %v, %v", left, err)
	}
}

// awaitFree waits until nobody listens at the address: another test may be at
// its end.
func awaitFree(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err == nil {
			listener.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%v; end what listens there, the README's commands need it", err)
		}
	}
}

// prepared begins the block without the variables of the services that other
// tests use.
func prepared(t *testing.T, b shell.Block) shell.Block {
	t.Helper()
	cache, err := filepath.Abs("../.cache/services")
	if err != nil {
		t.Fatal(err)
	}
	b.Commands = slices.Concat([]string{
		"unset SERVICES_DATA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY ${!COHORT_@}",
		"export SERVICES_CACHE='" + cache + "'",
	}, b.Commands)
	return b
}

// clone copies the repository without what git ignores, and lays the programs in
// bin. Services that are started in it are stopped at the end.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "data", "out", "cohort-data"}, name) {
			continue
		}
		if err := copyTree(filepath.Join("..", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	program, err := exec.LookPath("cohort")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(program), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		down := exec.Command(filepath.Join(dir, "deploy", "services", "down"))
		down.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SERVICES_") })
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	return dir
}

// copyTree copies a file, or a folder with all that it holds.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, body, info.Mode().Perm())
	})
}
