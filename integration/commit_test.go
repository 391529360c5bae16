//go:build services

package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/retry"
)

// envCommitter makes this program a committer on the store COHORT_STORE. Its
// value tells name, writers and commits.
const envCommitter = "COHORT_TEST_COMMITTER"

// committer is what such a process does; it returns its exit code.
func committer(what string) int {
	var name string
	var writers, commits int
	_, err := fmt.Sscan(what, &name, &writers, &commits)
	if err == nil {
		err = commitTo(os.Getenv("COHORT_STORE"), name, writers, commits)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func commitTo(address, name string, writers, commits int) error {
	ctx := context.Background()
	b, err := open.Open(ctx, address, open.Options{}) // credentials come from the environment
	if err != nil {
		return err
	}
	return blobtest.Commit(ctx, retrying(b), name, writers, commits, os.Stdout)
}

// retrying waits out the weather of a busy server.
func retrying(b blob.Bucket) blob.Bucket {
	return retry.New(b, retry.Default(), time.Now, rand.Float64)
}

func committersOn(address string) blobtest.Spawn {
	return func(t *testing.T, name string, writers, commits int) *exec.Cmd {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "COHORT_STORE="+address, fmt.Sprintf("%s=%s %d %d", envCommitter, name, writers, commits))
		cmd.Stderr = os.Stderr
		return cmd
	}
}

func TestProcessesThatRaceForALogInABucketEachHearTheTruth(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		address := fresh()
		blobtest.ProcessesCommit(t, retrying(openBucket(t, address)), committersOn(address), 8, number("commits"))
	})
}

func TestRestartedWritersLoseAndOverwriteNothingInABucket(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		address := fresh()
		blobtest.RestartedWritersCommit(t, retrying(openBucket(t, address)), committersOn(address), 4, 16, kills(), 2)
	})
}
