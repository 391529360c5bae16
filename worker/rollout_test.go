package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// always is an agent that lives and gives every attempt the same response.
func always(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(status)
		}
		_, _ = w.Write([]byte(body))
	}
}

// breaking is an agent that breaks every connection after it read the request;
// its health check answers health.
func breaking(t *testing.T, health int) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(health)
			return
		}
		var request agent.Request
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}
}

// hanging is an agent that accepts an attempt and answers nothing.
func hanging(_ http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		_ = json.NewDecoder(r.Body).Decode(new(agent.Request)) // Only then the server sees that the client left.
		<-r.Context().Done()
	}
}

func TestAgentsOwnFailureIsAFateAfterTheSpecsAttempts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   job.Reason
	}{
		"answers 500":                          {always(http.StatusInternalServerError, "broken"), job.AgentError},
		"answers 404":                          {always(http.StatusNotFound, ""), job.AgentError},
		"answers nonsense":                     {always(http.StatusOK, "<html>"), job.AgentError},
		"says that it failed":                  {always(http.StatusOK, `{"events":3,"error":{"class":"bug","message":"m"}}`), job.AgentError},
		"says that it timed out":               {always(http.StatusOK, `{"error":{"class":"timed_out","message":"m"}}`), job.AgentTimeout},
		"is slow":                              {hanging, job.AgentTimeout},
		"breaks the connection while it lives": {breaking(t, http.StatusOK), job.AgentCrashed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := spec.Duration(10 * time.Second)
			if name == "is slow" {
				timeout = spec.Duration(300 * time.Millisecond) // in which a busy machine connects
			}
			x := open(t, c.handle, func(s *spec.Spec) { s.Agent.Timeout = timeout })
			r := x.settled()
			if len(r.Executions) != 2 {
				t.Fatalf("%d executions, want 2", len(r.Executions))
			}
			for i, e := range r.Executions {
				if g, rollout := x.plan.At(i); e.Group != g || e.Rollout != rollout {
					t.Errorf("execution %d is of rollout %d/%d, want %d/%d", i, e.Group, e.Rollout, g, rollout)
				}
				if e.Reason != c.want || e.Executions != 3 || e.Detail == "" || e.Events != 0 {
					t.Errorf("execution %+v, want reason %q after 3", e, c.want)
				}
				if failures := e.Attempts; c.want != job.AgentCrashed && failures != 3 || c.want == job.AgentCrashed && failures != 0 {
					t.Errorf("%d attempts count as failures", failures)
				}
			}
		})
	}
}

func TestWeatherIsWaitedOutAndNeverAFate(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"answers 503":                       always(http.StatusServiceUnavailable, ""),
		"answers 502":                       always(http.StatusBadGateway, ""),
		"breaks the connection and is dead": breaking(t, http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			x := open(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && attempts.Add(1) == 20 {
					cancel()
				}
				handle(w, r)
			}, nil)
			if err := x.worker.Handle(ctx, x.task); !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v, want the context's", err)
			}
			if !x.open() || len(x.reports.said) > 0 {
				t.Error("the shard was settled")
			}
		})
	}
}

func TestWeatherThatPassesCostsNoAttempt(t *testing.T) {
	t.Parallel()
	var attempts atomic.Int64
	x := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := attempts.Add(1); {
		case n <= 10:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n <= 12:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			always(http.StatusOK, `{"events":4,"acknowledged":[{"partition":0,"offset":17}]}`)(w, r)
		}
	}, func(s *spec.Spec) { s.Limits.RolloutsInFlight = 1 })
	r := x.settled()
	first, second := r.Executions[0], r.Executions[1]
	if first.Reason != "" || first.Attempts != 2 || first.Executions != 13 || first.Events != 4 || first.Detail != "" {
		t.Errorf("first execution %+v", first)
	}
	if second.Reason != "" || second.Attempts != 0 || second.Executions != 1 || len(second.Acknowledged) != 1 || second.Acknowledged[0].Offset != 17 {
		t.Errorf("second execution %+v", second)
	}
}

// Each execution asks under a fresh nonce; all else is the plan's.
func TestAgentIsAskedForWhatThePlanSays(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]agent.Request{}
	count := 0
	x := open(t, func(w http.ResponseWriter, r *http.Request) {
		var request agent.Request
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		asked[request.Thread] = request
		if count++; count%2 == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(`{"events":1}`))
	}, nil)
	r := x.settled()
	if len(asked) != count {
		t.Errorf("%d executions used %d threads", count, len(asked))
	}
	for thread, q := range asked {
		u := x.plan.Unit
		if q.Seed != u.RolloutSeed(7, q.Group, q.Rollout) || !strings.HasPrefix(thread, u.ThreadID(q.Group, q.Rollout, "")) {
			t.Errorf("request %+v", q)
		}
		if q.Policy.Digest != string(x.plan.Policy.Weights) || !strings.HasSuffix(q.Policy.URL, q.Policy.Digest) || q.DeadlineMS != 20_000 {
			t.Errorf("request %+v", q)
		}
		if want := x.plan.Tasks[q.Group]; string(q.Task) != `{"n":`+string(rune('0'+want))+`}` {
			t.Errorf("task of group %d is %s, planned is line %d", q.Group, q.Task, want)
		}
	}
	for _, e := range r.Executions {
		if _, ok := asked[x.plan.Unit.ThreadID(e.Group, e.Rollout, e.Nonce)]; !ok {
			t.Errorf("the execution that counts, %+v, was never asked for", e)
		}
	}
}
