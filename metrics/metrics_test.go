package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/cache"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/metered"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/queue"
)

func TestEveryMetricIsNamedAsPrometheusWants(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{all: []queue.Depth{{Queue: "training"}}}, metrics.Checks{{metrics.Redis, func(context.Context) error { return nil }}})
	metrics.StoreRequests(p.registry, p.weather)(metered.Get, metered.OK, time.Second)
	_ = p.worker.Handler(func(context.Context, queue.Task) error { return nil })(t.Context(), queue.Task{})
	problems, err := testutil.GatherAndLint(p.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	if families := p.scrape(t); len(families) < 30 {
		t.Errorf("there are %d metrics", len(families))
	}
}

func TestOperationsListsEveryMetricAndNoOther(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{all: []queue.Depth{{Queue: "training"}}}, metrics.Checks{{Service: metrics.Redis, Ask: func(context.Context) error { return nil }}})
	metrics.StoreRequests(p.registry, p.weather)
	metrics.NewPolicy(p.registry, clock.System{})
	metrics.NewSpans(p.registry)
	metrics.NewReceiver(p.registry)
	_ = p.worker.Handler(func(context.Context, queue.Task) error { return nil })(t.Context(), queue.Task{})
	var told []string
	for name := range p.scrape(t) {
		if strings.HasPrefix(name, "cohort_") {
			told = append(told, name)
		}
	}
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, found := range regexp.MustCompile("(?m)^\\| `(cohort_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, found[1])
	}
	slices.Sort(told)
	slices.Sort(listed)
	if !slices.Equal(told, listed) {
		t.Errorf("told are\n%q, listed\n%q", told, listed)
	}
}

func TestQueuesAreToldWhileRedisAnswers(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{all: []queue.Depth{{Queue: "training", Waiting: 7, Running: 3, Oldest: 90 * time.Second}}}, nil)
	families := p.scrape(t)
	want(t, families, 7, "cohort_queue_shards", "queue", "training", "state", "waiting")
	want(t, families, 3, "cohort_queue_shards", "queue", "training", "state", "in_hand")
	want(t, families, 90, "cohort_queue_oldest_seconds", "queue", "training")

	p = newProcess(depths{err: errors.New("connection refused")}, nil)
	if families := p.scrape(t); families["cohort_queue_shards"] != nil || families["cohort_build_info"] == nil {
		t.Error("an outage of Redis hides other metrics, or shows old ones")
	}
}

func TestStoreRequestsAreCountedByMethodAndResult(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	fault := blobtest.Fault{}
	faulty := blobtest.NewFaulty(mem.New(), func(string, string) blobtest.Fault { return fault })
	b := metered.New(faulty, clock.System{}.Now, metrics.StoreRequests(p.registry, p.weather))
	_, _ = b.Put(t.Context(), "a", nil, blob.Always())
	_, _ = b.Get(t.Context(), "b")
	fault.Before = blob.ErrUnavailable
	_, _ = b.Get(t.Context(), "a")
	families := p.scrape(t)
	want(t, families, 1, "cohort_store_requests_total", "method", "put", "result", "ok")
	want(t, families, 1, "cohort_store_requests_total", "method", "get", "result", "not_found")
	want(t, families, 1, "cohort_store_requests_total", "method", "get", "result", "weather")
	want(t, families, 2, "cohort_store_request_seconds", "method", "get")
	want(t, families, 1, "cohort_weather_total", "service", "store")
}

func TestShardsAreCountedByPhaseAndResult(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	for _, c := range []struct {
		phase job.Phase
		err   error
	}{
		{job.Rollout, nil},
		{job.Rollout, errors.New("the store is gone")},
		{job.Collect, fmt.Errorf("%w: other numerics", queue.ErrLeftAlone)},
		{"from tomorrow", queue.ErrLeftAlone},
	} {
		err := p.worker.Handler(func(context.Context, queue.Task) error {
			want(t, p.scrape(t), 1, "cohort_shards_in_hand")
			return c.err
		})(t.Context(), queue.Task{Shard: job.Shard{Phase: c.phase}})
		if !errors.Is(err, c.err) {
			t.Errorf("the handler's error became %v", err)
		}
	}
	families := p.scrape(t)
	want(t, families, 0, "cohort_shards_in_hand")
	want(t, families, 1, "cohort_shards_total", "phase", "rollout", "result", "done")
	want(t, families, 1, "cohort_shards_total", "phase", "rollout", "result", "handed_back")
	want(t, families, 1, "cohort_shards_total", "phase", "collect", "result", "refused")
	want(t, families, 1, "cohort_shards_total", "phase", "unknown", "result", "refused")
	want(t, families, 2, "cohort_shard_seconds", "phase", "rollout")
}

// answers is an agent that answers every attempt alike.
type answers struct{ err error }

func (a answers) Attempt(context.Context, agent.Request) (agent.Answer, error) {
	return agent.Answer{Events: 3}, a.err
}
func (answers) Healthy(context.Context) bool { return true }

func TestAttemptsAreCountedByResult(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	for _, err := range []error{nil, &agent.Failed{}, agent.ErrTimedOut, agent.ErrBroke, agent.ErrWeather} {
		answer, got := p.worker.Agent(answers{err}).Attempt(t.Context(), agent.Request{})
		if answer.Events != 3 || !errors.Is(got, err) {
			t.Errorf("the answer became %+v, %v", answer, got)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = p.worker.Agent(answers{context.Canceled}).Attempt(ended, agent.Request{})
	families := p.scrape(t)
	for _, result := range []string{"answered", "failed", "timed_out", "broke", "weather", "cancelled"} {
		want(t, families, 1, "cohort_attempts_total", "result", result)
	}
	want(t, families, 6, "cohort_attempt_seconds")
	want(t, families, 0, "cohort_rollouts_in_flight")
	want(t, families, 2, "cohort_weather_total", "service", "agent")
}

func TestWhatACoordinatorDoesIsCounted(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	p.coordinator.Driving(3)
	p.coordinator.Driving(2)
	p.coordinator.Opened(4)
	p.coordinator.Opened(-1)
	p.coordinator.Committed()
	p.coordinator.Settled(job.Totals{Planned: 6, Used: 3, Dropped: 2, Failed: 1})
	p.coordinator.TakenOver()
	p.coordinator.Redriven(job.Collect)
	families := p.scrape(t)
	want(t, families, 2, "cohort_jobs_driven")
	want(t, families, 3, "cohort_steps_open")
	want(t, families, 1, "cohort_commits_total")
	want(t, families, 3, "cohort_rollouts_total", "fate", "used")
	want(t, families, 2, "cohort_rollouts_total", "fate", "dropped")
	want(t, families, 1, "cohort_rollouts_total", "fate", "failed")
	want(t, families, 1, "cohort_take_overs_total")
	want(t, families, 1, "cohort_redrives_total", "phase", "collect")
	want(t, families, 0, "cohort_redrives_total", "phase", "rollout")
}

func TestRedisThatIsAwayIsWeather(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	r := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer r.Close()
	r.AddHook(metrics.RedisHook(p.weather))
	if err := r.Ping(t.Context()).Err(); err == nil {
		t.Fatal("somebody answers at port 1")
	}
	if _, err := r.Pipelined(t.Context(), func(to redis.Pipeliner) error { return to.Get(t.Context(), "a").Err() }); err == nil {
		t.Fatal("somebody answers at port 1")
	}
	want(t, p.scrape(t), 2, "cohort_weather_total", "service", "redis")
}

func TestReadsThatACacheAnsweredAreCounted(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	b := cache.New(mem.New(), 100, p.cache)
	key := "jobs/j/data/" + string(blob.DigestOf([]byte("tasks")))
	if _, err := b.Put(t.Context(), key, []byte("tasks"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := b.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	families := p.scrape(t)
	want(t, families, 1, "cohort_store_cache_reads_total", "result", "miss")
	want(t, families, 2, "cohort_store_cache_reads_total", "result", "hit")
	want(t, families, 5, "cohort_store_cache_bytes")
}
