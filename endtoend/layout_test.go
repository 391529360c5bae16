package endtoend_test

import "testing"

// How work is cut into shards decides who does it and when, never what comes
// of it. Units of more rollouts than one shard may collect are extracted by
// partition and assembled by group.
func TestLayoutOfShardsDoesNotChangeTheCheckpoint(t *testing.T) {
	t.Parallel()
	s := smallJob{agent: startAgent(t, nil).url, steps: 3, tasks: four()}
	want := s.undisturbed(t)
	s.limits = "{shard_rollouts: 3, rollouts_in_flight: 2, collect_rollouts: 8}"
	head, j := s.run(t, sharedSystem(t))
	wantDone(t, head)
	if head.Checkpoint != want {
		t.Errorf("in small shards the job ends at %s, in large ones at %s", head.Checkpoint, want)
	}
	for _, e := range j.Commits() {
		for _, c := range j.Units(t, e) {
			if len(c.Rollouts) != 11 || len(c.Extracts) != 2 || len(c.Collects) != 4 {
				t.Errorf("%d rollout, %d extract and %d assemble shards, want 11, 2 and 4", len(c.Rollouts), len(c.Extracts), len(c.Collects))
			}
		}
	}
}
