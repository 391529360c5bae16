package training_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryWorkerTookShardsFromTheQueue(t *testing.T) {
	t.Parallel()
	_, _, j := finishedDemo(t)
	units := j.Evaluations(t)
	for _, e := range j.Commits() {
		units = append(units, j.Units(t, e)...)
	}
	shards := map[string]int{}
	for _, c := range units {
		for _, done := range c.Settlements() {
			// The number of the drive is what the queue's task alone tells a worker.
			if done.Drive < 1 || done.At.IsZero() || !strings.HasPrefix(done.Shard, string(j.Def.ID)+"/") {
				t.Errorf("settled as %+v", done)
			}
			shards[done.Worker]++
		}
	}
	for n := range 3 {
		if name := fmt.Sprintf("worker-%d", n+1); shards[name] == 0 {
			t.Errorf("%s settled no shard; shards by worker: %v", name, shards)
		}
	}
	if len(shards) != 3 {
		t.Errorf("shards by worker: %v", shards)
	}
}
