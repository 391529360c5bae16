package queue_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/queue"
)

func TestBarrierCountsEachShardOnce(t *testing.T) {
	t.Parallel()
	b := queue.NewBarrier(connect(t), prefix)
	for i, step := range []struct{ shard, want string }{
		{"0", "fresh"},
		{"0", "duplicate"},
		{"1", "fresh"},
		{"0", "duplicate"},
		{"2", "last"},
		{"2", "duplicate"},
		{"1", "duplicate"},
	} {
		if said, err := b.Count(t.Context(), "g", step.shard, 3, "digest"); err != nil || said != step.want {
			t.Errorf("report %d, of shard %s: %q, %v, want %q", i, step.shard, said, err, step.want)
		}
	}
}

func TestOneReporterOfManyIsLast(t *testing.T) {
	t.Parallel()
	b := queue.NewBarrier(connect(t), prefix)
	const shards = 20
	said := make([]string, 2*shards)
	var wg sync.WaitGroup
	for i := range said {
		wg.Go(func() {
			var err error
			if said[i], err = b.Count(t.Context(), "g", fmt.Sprint(i%shards), shards, "d"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counts := map[string]int{}
	for _, s := range said {
		counts[s]++
	}
	if counts["last"] != 1 || counts["fresh"] != shards-1 || counts["duplicate"] != shards {
		t.Errorf("reports were %v", counts)
	}
}

func TestLastShardWakesWhoWaits(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	s := queue.NewServer(r, prefix, queue.ServerConfig{Shards: 1, Check: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	first, second := rollouts(0), rollouts(1)
	group := first.Shard.Group()
	if err := s.Settled(t.Context(), first, 2, "d"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	woken := make(chan error, 1)
	go func() { _, err := c.Await(t.Context(), group, 30*time.Second); woken <- err }()
	if err := s.Settled(t.Context(), second, 2, "d"); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, woken); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("woken after %v, %v", time.Since(began), err)
	}
	if _, err := c.Await(t.Context(), group, 30*time.Second); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("who came late waited %v, %v", time.Since(began), err)
	}
}

func TestAwaitEndsAfterItsTime(t *testing.T) {
	t.Parallel()
	c := queue.NewClient(connect(t), prefix)
	for _, d := range []time.Duration{0, 20 * time.Millisecond} {
		began := time.Now()
		if _, err := c.Await(t.Context(), "nobody", d); err != nil || time.Since(began) < d {
			t.Errorf("awaited %v of %v, %v", time.Since(began), d, err)
		}
	}
}

// Redis may lose everything: then shards are counted anew, and nothing fails.
func TestBarrierCountsAnewAfterRedisLostAll(t *testing.T) {
	t.Parallel()
	r := connect(t)
	b := queue.NewBarrier(r, prefix)
	if said, err := b.Count(t.Context(), "g", "0", 2, "d"); err != nil || said != "fresh" {
		t.Fatal(said, err)
	}
	if err := r.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fresh", "duplicate"} {
		if said, err := b.Count(t.Context(), "g", "1", 2, "d"); err != nil || said != want {
			t.Errorf("%q, %v, want %q", said, err, want)
		}
	}
}
