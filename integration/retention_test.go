//go:build services

package integration_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/retention/retentiontest"
)

// envDriver makes this program a driver of the jobs in the store COHORT_STORE.
// Its value tells seed and entries.
const envDriver = "COHORT_TEST_DRIVER"

// drive is what such a process does; it returns its exit code.
func drive(what string) int {
	var seed uint64
	var entries int
	_, err := fmt.Sscan(what, &seed, &entries)
	if err == nil {
		err = driveOn(os.Getenv("COHORT_STORE"), seed, entries)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func driveOn(address string, seed uint64, entries int) error {
	b, err := open.Open(context.Background(), address, open.Options{}) // credentials come from the environment
	if err != nil {
		return err
	}
	return retentiontest.Drive(retrying(b), seed, entries, os.Stdout)
}

// Eight processes drive the jobs of one bucket and prune, while they are stopped
// for up to seconds and killed: no checkpoint that is kept ever misses a blob.
func TestKeptCheckpointsInABucketNeverMissABlob(t *testing.T) {
	t.Parallel()
	const entries = 25
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		address := fresh()
		trial := retentiontest.Trial{
			Bucket: retrying(openBucket(t, address)), Processes: 8, Entries: entries,
			Soak: flag.Lookup("soak").Value.(flag.Getter).Get().(time.Duration),
			Spawn: func(t *testing.T, seed uint64) *exec.Cmd {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), "COHORT_STORE="+address, fmt.Sprintf("%s=%d %d", envDriver, seed, entries))
				cmd.Stderr = os.Stderr
				return cmd
			},
		}
		trial.Run(t)
	})
}
