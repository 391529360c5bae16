package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

func named(r redis.UniversalClient, name string) *queue.Server {
	return queue.NewServer(r, prefix, queue.ServerConfig{Name: name, Shards: 1, Check: time.Millisecond, Grace: time.Second, Logger: slog.New(slog.DiscardHandler)})
}

func refusals(t *testing.T, r redis.UniversalClient, id job.ID) []queue.Refusal {
	t.Helper()
	all, err := queue.NewClient(r, prefix).Refusals(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRefusalsAreListedByWorkerWithTheNewestReason(t *testing.T) {
	t.Parallel()
	r := connect(t)
	for _, said := range [][2]string{{"b", "numerics"}, {"a", "old"}, {"a", "version \"2\""}} {
		if err := named(r, said[0]).Refuse(t.Context(), "j", said[1]); err != nil {
			t.Fatal(err)
		}
	}
	want := []queue.Refusal{{Worker: "a", Reason: `version "2"`}, {Worker: "b", Reason: "numerics"}}
	if got := refusals(t, r, "j"); !slices.Equal(got, want) {
		t.Errorf("refusals are %+v, want %+v", got, want)
	}
	if got := refusals(t, r, "other"); len(got) != 0 {
		t.Errorf("refusals of another job are %+v", got)
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	r := connect(t)
	long := strings.Repeat("é", 1000)
	for n := range 120 {
		if err := named(r, fmt.Sprintf("w%03d", n)).Refuse(t.Context(), "j", long); err != nil {
			t.Fatal(err)
		}
	}
	all := refusals(t, r, "j")
	if len(all) != 100 {
		t.Errorf("%d refusals are kept", len(all))
	}
	if got := all[0].Reason; len(got) > 500 || !strings.HasPrefix(long, got) {
		t.Errorf("the reason is %q", got)
	}
}

// A refusal is kept for a while by Redis's own clock, the whole of a job's too.
func TestRefusalIsForgottenUnlessItIsSaidAgain(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	r := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { r.Close() })
	if err := named(r, "w").Refuse(t.Context(), "j", "numerics"); err != nil {
		t.Fatal(err)
	}
	left, err := r.PTTL(t.Context(), string(prefix)+":refused:j").Result()
	if err != nil || left <= 0 || left > time.Minute {
		t.Errorf("the refusal is kept for %s (%v)", left, err)
	}
	// As it would be after half a minute.
	stale := `{"reason":"gone","untilms":1}`
	if err := r.HSet(t.Context(), string(prefix)+":refused:j", "stale", stale).Err(); err != nil {
		t.Fatal(err)
	}
	if got := refusals(t, r, "j"); len(got) != 1 || got[0].Worker != "w" {
		t.Errorf("refusals are %+v", got)
	}
	if left, err := r.HExists(t.Context(), string(prefix)+":refused:j", "stale").Result(); err != nil || left {
		t.Errorf("what is over is kept: %v", err)
	}
}

func TestTaskThatIsLeftAloneIsReportedAndGoesOn(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	enqueue(t, c, rollouts(0))
	s := named(r, "old")
	ctx, cancel := context.WithCancel(t.Context())
	refused, done := make(chan struct{}, 100), make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(context.Context, queue.Task) error {
			refused <- struct{}{}
			return fmt.Errorf("it computes otherwise: %w", queue.ErrLeftAlone)
		})
	}()
	receive(t, refused)
	receive(t, refused) // the second time comes after the first was reported
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := refusals(t, r, "j"); len(got) != 1 || got[0].Worker != "old" || !strings.Contains(got[0].Reason, "it computes otherwise") {
		t.Errorf("refusals are %+v", got)
	}
	took := make(chan queue.Task, 1)
	serve(t, r, time.Second, func(_ context.Context, task queue.Task) error {
		took <- task
		return nil
	})
	if task := receive(t, took); task != rollouts(0) {
		t.Errorf("another worker got %+v", task)
	}
}
