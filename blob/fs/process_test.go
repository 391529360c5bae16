package fs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
)

// The test binary runs itself with these to be another process on a store.
const (
	envRole = "COHORT_FS_TEST_ROLE"
	envDir  = "COHORT_FS_TEST_DIR"
	envName = "COHORT_FS_TEST_NAME"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		os.Exit(child(role, os.Getenv(envDir), os.Getenv(envName)))
	}
	os.Exit(m.Run())
}

const logEntries = 60

// child prints a line for each thing that was acknowledged to it.
func child(role, dir, name string) int {
	b, err := fs.Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch role {
	case "commit":
		err = commit(b, name)
	case "count":
		err = count(b, name)
	case "endless":
		err = endless(b, name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// commit appends to one log until it is full, as coordinators do.
func commit(b *fs.Bucket, name string) error {
	for n := range logEntries {
		_, err := b.Put(context.Background(), logKey(n), []byte(name), blob.IfAbsent())
		switch {
		case err == nil:
			fmt.Println(n)
		case !errors.Is(err, blob.ErrExists):
			return err
		}
	}
	return nil
}

func logKey(n int) string { return fmt.Sprintf("jobs/j/log/%020d.json", n) }

// count adds a line of its own to an object, again and again, by compare and
// replace.
func count(b *fs.Bucket, name string) error {
	for n := range countings {
		for {
			object, err := b.Get(context.Background(), "count")
			if err != nil {
				return err
			}
			next := fmt.Appendf(object.Body, "%s %d\n", name, n)
			_, err = b.Put(context.Background(), "count", next, blob.IfMatch(object.Version))
			if err == nil {
				break
			}
			if !errors.Is(err, blob.ErrStale) {
				return err
			}
		}
	}
	return nil
}

const countings = 25

// endless puts until it is killed, and prints each key that was acknowledged.
func endless(b *fs.Bucket, name string) error {
	for n := 0; ; n++ {
		key := fmt.Sprintf("%s/%d/%d", name, n/10, n)
		if _, err := b.Put(context.Background(), key, bodyOf(key), blob.IfAbsent()); err != nil {
			return err
		}
		fmt.Println(key)
		if _, err := b.Put(context.Background(), "hint", bodyOf(key), blob.Always()); err != nil {
			return err
		}
	}
}

func bodyOf(key string) []byte { return []byte(strings.Repeat(key+"\n", 3000)) }

func spawn(t *testing.T, role, dir, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir, envName+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestProcessesThatRaceForALogEachHearTheTruth(t *testing.T) {
	t.Parallel()
	const processes = 4
	dir := t.TempDir()
	b, err := fs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	winners := map[string]string{} // entry to process
	var done sync.WaitGroup
	for p := range processes {
		name := fmt.Sprintf("process-%d", p)
		cmd, lines := spawn(t, "commit", dir, name)
		done.Go(func() {
			for lines.Scan() {
				mu.Lock()
				if other, taken := winners[lines.Text()]; taken {
					t.Errorf("entry %s was acknowledged to %s and to %s", lines.Text(), other, name)
				}
				winners[lines.Text()] = name
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	done.Wait()
	if len(winners) != logEntries {
		t.Fatalf("%d entries were acknowledged, want %d", len(winners), logEntries)
	}
	for n := range logEntries {
		object, err := b.Get(t.Context(), logKey(n))
		if err != nil || string(object.Body) != winners[fmt.Sprint(n)] {
			t.Errorf("entry %d is by %q, %v; it was acknowledged to %q", n, object.Body, err, winners[fmt.Sprint(n)])
		}
	}
}

func TestProcessesThatReplaceLoseNoUpdate(t *testing.T) {
	t.Parallel()
	const processes = 3
	dir := t.TempDir()
	b, err := fs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "count", nil, blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	var children []*exec.Cmd
	for p := range processes {
		cmd, _ := spawn(t, "count", dir, fmt.Sprint(p))
		children = append(children, cmd)
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	object, err := b.Get(t.Context(), "count")
	if lines := strings.Count(string(object.Body), "\n"); err != nil || lines != processes*countings {
		t.Fatalf("%d lines are there, %v; want %d", lines, err, processes*countings)
	}
}

func TestKilledWriterLeavesWholeObjectsAndOrphansThatSweepRemoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := fs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	kills := 8
	if testing.Short() {
		kills = 4
	}
	for k := range kills {
		cmd, lines := spawn(t, "endless", dir, fmt.Sprintf("writer-%d", k))
		var acknowledged []string
		for len(acknowledged) < 3+5*k && lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		_ = cmd.Wait() // it was killed
		mustBeWhole(t, b, acknowledged)
		if _, err := b.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := temporaries(t, dir); len(left) > 0 {
			t.Fatalf("after a sweep there is still %q", left)
		}
	}
}

// mustBeWhole checks that all that was acknowledged is there and that nothing
// there is torn.
func mustBeWhole(t *testing.T, b *fs.Bucket, acknowledged []string) {
	t.Helper()
	for _, key := range acknowledged {
		if _, err := b.Head(t.Context(), key); err != nil {
			t.Errorf("acknowledged and lost: %v", err)
		}
	}
	for info, err := range b.List(t.Context(), "writer-", "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil || string(object.Body) != string(bodyOf(info.Key)) {
			t.Errorf("%s holds %d torn bytes, %v", info.Key, len(object.Body), err)
		}
	}
}

func temporaries(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".cohort", "tmp", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
