package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/queue"
)

func hold(t *testing.T, c *queue.Client, holder string, ttl time.Duration) bool {
	t.Helper()
	held, err := c.Hold(t.Context(), "j", holder, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func release(t *testing.T, c *queue.Client, holder string) {
	t.Helper()
	if err := c.Release(t.Context(), "j", holder); err != nil {
		t.Fatal(err)
	}
}

func TestLeaseHasOneHolder(t *testing.T) {
	t.Parallel()
	c := queue.NewClient(connect(t), prefix)
	if !hold(t, c, "a", time.Minute) || hold(t, c, "b", time.Minute) || !hold(t, c, "a", time.Minute) {
		t.Error("a free lease is taken, a taken one is not, one's own is kept")
	}
	release(t, c, "b")
	if hold(t, c, "b", time.Minute) {
		t.Error("another gave the lease up")
	}
	release(t, c, "a")
	if !hold(t, c, "b", time.Minute) {
		t.Error("the lease was given up and is not free")
	}
	if held, err := c.Hold(t.Context(), "other", "a", time.Minute); err != nil || !held {
		t.Error("the lease of another job is in the way", err)
	}
}

func TestLeaseThatIsNotKeptLapses(t *testing.T) {
	t.Parallel()
	c := queue.NewClient(connect(t), prefix)
	if !hold(t, c, "a", 50*time.Millisecond) {
		t.Fatal("the lease is not free")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !hold(t, c, "b", time.Minute) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the lease does not lapse")
		}
	}
	if hold(t, c, "a", time.Minute) {
		t.Error("who lost the lease holds it still")
	}
}
