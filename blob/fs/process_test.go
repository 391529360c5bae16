package fs_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
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
	flag.Int("commits", 25, "commits of each process that races for a log")
	flag.Int("restarts", 1, "how often each process of writers is killed and started again")
	flag.Int("kills", 6, "how often a writer is killed")
	flag.Parse()
	os.Exit(m.Run())
}

// number is the value of a flag.
func number(name string) int { return flag.Lookup(name).Value.(flag.Getter).Get().(int) }

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

// commit races for a log; name also tells with how many writers and commits.
func commit(b *fs.Bucket, name string) error {
	var writers, commits int
	if _, err := fmt.Sscanf(name, "%d %d %s", &writers, &commits, &name); err != nil {
		return err
	}
	return blobtest.Commit(context.Background(), b, name, writers, commits, os.Stdout)
}

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

// process is this program as another that plays the role.
func process(t *testing.T, role, dir, name string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir, envName+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

func spawn(t *testing.T, role, dir, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := process(t, role, dir, name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// committers are processes that race for the log of the store in dir.
func committers(dir string) blobtest.Spawn {
	return func(t *testing.T, name string, writers, commits int) *exec.Cmd {
		t.Helper()
		return process(t, "commit", dir, fmt.Sprintf("%d %d %s", writers, commits, name))
	}
}

func TestProcessesThatRaceForALogEachHearTheTruth(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	blobtest.ProcessesCommit(t, b, committers(dir), 8, number("commits"))
}

func TestRestartedWritersLoseAndOverwriteNothing(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	blobtest.RestartedWritersCommit(t, b, committers(dir), 4, 16, number("restarts"), 2)
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

// TestKilledWriterLeavesWholeObjectsAndOrphansThatSweepRemoves kills a writer at
// moments that nobody chose: some milliseconds after something was acknowledged.
func TestKilledWriterLeavesWholeObjectsAndOrphansThatSweepRemoves(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	random := rand.New(rand.NewPCG(1, uint64(number("kills"))))
	orphans := 0
	for k := range number("kills") {
		name := fmt.Sprintf("writer-%d", k)
		cmd, lines := spawn(t, "endless", dir, name)
		var acknowledged []string
		for least := 1 + random.IntN(20); len(acknowledged) < least && lines.Scan(); {
			acknowledged = append(acknowledged, lines.Text())
		}
		kill := time.AfterFunc(time.Duration(random.Int64N(int64(5*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		kill.Stop()
		if err := cmd.Wait(); err == nil || strings.Contains(err.Error(), "exit status") {
			t.Fatalf("%s ended by itself: %v", name, err)
		}
		mustBeWhole(t, b, name+"/", acknowledged)
		swept, err := b.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		orphans += swept
		if left := temporaries(t, dir); len(left) > 0 {
			t.Fatalf("after a sweep there is still %q", left)
		}
	}
	t.Logf("%d kills left %d orphans", number("kills"), orphans)
	mustBeWhole(t, b, "writer-", nil)
}

// mustBeWhole checks that all that was acknowledged is there and that nothing
// under prefix, nor the hint, is torn.
func mustBeWhole(t *testing.T, b *fs.Bucket, prefix string, acknowledged []string) {
	t.Helper()
	for _, key := range acknowledged {
		if _, err := b.Head(t.Context(), key); err != nil {
			t.Errorf("acknowledged and lost: %v", err)
		}
	}
	for info, err := range b.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil || string(object.Body) != string(bodyOf(info.Key)) {
			t.Errorf("%s holds %d torn bytes, %v", info.Key, len(object.Body), err)
		}
	}
	if hint, err := b.Get(t.Context(), "hint"); !errors.Is(err, blob.ErrNotFound) {
		key, _, _ := strings.Cut(string(hint.Body), "\n")
		if err != nil || string(hint.Body) != string(bodyOf(key)) {
			t.Errorf("the hint holds %d torn bytes, %v", len(hint.Body), err)
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
