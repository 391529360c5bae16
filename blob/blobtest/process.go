package blobtest

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// Spawn describes a process that calls Commit with these on the store that b of
// the caller is, prints what it is told on standard output and ends.
type Spawn func(t *testing.T, name string, writers, commits int) *exec.Cmd

// ProcessesCommit lets processes race for one log until each has made its
// commits: none is lost, and none stands in another's place.
func ProcessesCommit(t *testing.T, b blob.Bucket, spawn Spawn, processes, commits int) {
	t.Helper()
	var told Told
	var done sync.WaitGroup
	for p := range processes {
		done.Go(func() { told.follow(t, spawn(t, fmt.Sprintf("process-%d", p), 1, commits), nil) })
	}
	done.Wait()
	if entries, acknowledged := told.Check(t, b); entries != processes*commits || acknowledged != entries {
		t.Errorf("%d entries, %d of them acknowledged; want %d", entries, acknowledged, processes*commits)
	}
}

// RestartedWritersCommit lets processes of many writers race for one log, kills
// each of them as often, starts it again, and lets the last of each make its
// commits. Nothing that was acknowledged to one that was killed is lost either.
func RestartedWritersCommit(t *testing.T, b blob.Bucket, spawn Spawn, processes, writers, kills, commits int) {
	t.Helper()
	var told Told
	var done sync.WaitGroup
	for p := range processes {
		random := rand.New(rand.NewPCG(uint64(p), uint64(kills)))
		done.Go(func() {
			for k := range kills {
				left := 1 + random.IntN(3*writers)
				cmd := spawn(t, fmt.Sprintf("process-%d.%d", p, k), writers, Endless)
				told.follow(t, cmd, func() {
					if left--; left == 0 {
						_ = cmd.Process.Kill() // it runs: nothing else ends it
					}
				})
			}
			told.follow(t, spawn(t, fmt.Sprintf("process-%d.last", p), writers, commits), nil)
		})
	}
	done.Wait()
	entries, acknowledged := told.Check(t, b)
	if least := processes * writers * commits; acknowledged < least {
		t.Errorf("%d entries were acknowledged, want at least %d", acknowledged, least)
	}
	// A killed writer may have been stored and not told.
	if most := acknowledged + processes*writers*kills; entries > most {
		t.Errorf("%d entries, %d of them acknowledged: more than writers were killed", entries, acknowledged)
	}
}

// follow runs a committer to its end, which is that of each where that is not
// nil, and otherwise a good one.
func (w *Told) follow(t *testing.T, cmd *exec.Cmd, each func()) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return
	}
	killed := each != nil
	if !killed {
		each = func() {}
	}
	w.Read(t, out, each)
	if err := cmd.Wait(); (err != nil) != killed {
		t.Errorf("%s: %v", cmd, err)
	}
}
