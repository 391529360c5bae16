package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/agent"
)

func TestAttemptPostsTheDocumentedMessage(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	c := started(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		respond(200, `{"events":7,"acknowledged":[{"partition":2,"offset":41}],"later":"unknown"}`)(w, r)
	}))
	answer, err := c.Attempt(within(t), request())
	want := agent.Answer{Events: 7, Acknowledged: []agent.Position{{Partition: 2, Offset: 41}}}
	if err != nil || !reflect.DeepEqual(answer, want) {
		t.Fatalf("answer %+v, error %v, want %+v", answer, err, want)
	}
	if got.Method != http.MethodPost || got.URL.Path != "/rollouts" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s as %q", got.Method, got.URL.Path, got.Header.Get("Content-Type"))
	}
	const parent = "00-d8923f76d22865e6fbf423f8d105a865-992b5bf408a0bcf9-01"
	if h := got.Header.Get("Traceparent"); h != parent {
		t.Errorf("traceparent %q", h)
	}
	const wantBody = `{"format":"cohort.rollout/1","thread":"job/00000000000000000001/3/2/nonce","job":"job",` +
		`"step":1,"group":3,"rollout":2,"greedy":false,"task":{"numbers":[1,2],"target":3},"seed":9007199254740991,` +
		`"deadline_ms":60000,"policy":{"url":"http://127.0.0.1:1/v1/policies/abc","digest":"abc"},` +
		`"traces":{"brokers":["127.0.0.1:9092"],"topic":"cohort-job","partitions":4}}`
	if string(body) != wantBody+"\n" {
		t.Errorf("body\n%s, want\n%s", body, wantBody)
	}
}

func TestStatusTellsWeatherFromFailure(t *testing.T) {
	t.Parallel()
	for status, weather := range map[int]bool{
		201: false, 204: false, 302: false, 400: false, 404: false, 409: false, 429: false, 500: false, 501: false,
		502: true, 503: true, 504: true, 505: false, 599: false,
	} {
		_, err := started(t, respond(status, "")).Attempt(within(t), request())
		var failed *agent.Failed
		switch {
		case errors.Is(err, agent.ErrWeather) != weather:
			t.Errorf("status %d: error %v, weather %t", status, err, weather)
		case errors.As(err, &failed) == weather:
			t.Errorf("status %d: error %v", status, err)
		case failed != nil && failed.Status != status:
			t.Errorf("status %d: reported as %d", status, failed.Status)
		}
	}
}

func TestFailureOfTheAgentIsReported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status         int
		body           string
		class, message string
		events         uint64
	}{
		"in the answer":      {200, `{"events":3,"error":{"class":"boom","message":"it broke"}}`, "boom", "it broke", 3},
		"before any event":   {200, `{"error":{"class":"boom"}}`, "boom", "", 0},
		"without a class":    {200, `{"error":{"message":"it broke"}}`, "error", "it broke", 0},
		"as a status":        {500, `{"error":{"class":"panic","message":"nil map"}}`, "panic", "nil map", 0},
		"as a page":          {500, "Internal\x00 error\n", "status 500", "Internal  error", 0},
		"not JSON":           {200, "done", "invalid answer", "", 0},
		"no events":          {200, "{}", "invalid answer", "", 0},
		"negative events":    {200, `{"events":-1}`, "invalid answer", "", 0},
		"unknown partition":  {200, `{"events":1,"acknowledged":[{"partition":4,"offset":1}]}`, "invalid answer", "", 0},
		"negative offset":    {200, `{"events":1,"acknowledged":[{"partition":1,"offset":-1}]}`, "invalid answer", "", 0},
		"repeated partition": {200, `{"events":1,"acknowledged":[{"partition":1},{"partition":1}]}`, "invalid answer", "", 0},
		"too large":          {200, `{"events":1}` + strings.Repeat(" ", agent.MaxAnswer), "invalid answer", "it has over 1048576 bytes", 0},
	} {
		answer, err := started(t, respond(test.status, test.body)).Attempt(within(t), request())
		var failed *agent.Failed
		if !errors.As(err, &failed) {
			t.Errorf("%s: error %v, want a *Failed", name, err)
			continue
		}
		if failed.Class != test.class || answer.Events != test.events || (test.message != "" && failed.Message != test.message) {
			t.Errorf("%s: %+v with %d events", name, failed, answer.Events)
		}
		if errors.Is(err, agent.ErrTimedOut) || errors.Is(err, agent.ErrWeather) || errors.Is(err, agent.ErrBroke) {
			t.Errorf("%s: error %v is more than a failure", name, err)
		}
	}
}

func TestMessageOfAFailureIsBounded(t *testing.T) {
	t.Parallel()
	c := started(t, respond(200, `{"events":1,"error":{"class":"a\u001b[31m","message":"`+strings.Repeat("é", 5000)+`"}}`))
	_, err := c.Attempt(within(t), request())
	var failed *agent.Failed
	if !errors.As(err, &failed) || len(failed.Message) > agent.MaxMessage || strings.ContainsRune(failed.Class, '\x1b') {
		t.Errorf("error %v", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var paths []string
	c := started(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	_, err := c.Attempt(within(t), request())
	var failed *agent.Failed
	if !errors.As(err, &failed) || failed.Status != http.StatusTemporaryRedirect || len(paths) != 1 {
		t.Errorf("error %v, paths %v", err, paths)
	}
}

func TestInvalidRequestIsNotSent(t *testing.T) {
	t.Parallel()
	c := started(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent") }))
	for name, change := range map[string]func(*agent.Request){
		"format":       func(r *agent.Request) { r.Format = "cohort.rollout/2" },
		"thread":       func(r *agent.Request) { r.Thread = "" },
		"long thread":  func(r *agent.Request) { r.Thread = strings.Repeat("x", agent.MaxThread+1) },
		"step":         func(r *agent.Request) { r.Step = -1 },
		"task":         func(r *agent.Request) { r.Task = json.RawMessage("{") },
		"no task":      func(r *agent.Request) { r.Task = nil },
		"large task":   func(r *agent.Request) { r.Task = json.RawMessage(`"` + strings.Repeat("x", agent.MaxRequest) + `"`) },
		"seed":         func(r *agent.Request) { r.Seed = agent.MaxSeed + 1 },
		"deadline":     func(r *agent.Request) { r.DeadlineMS = 0 },
		"long":         func(r *agent.Request) { r.DeadlineMS = agent.MaxDeadlineMS + 1 },
		"policy":       func(r *agent.Request) { r.Policy.URL = "" },
		"digest":       func(r *agent.Request) { r.Policy.Digest = "" },
		"no broker":    func(r *agent.Request) { r.Traces.Brokers = nil },
		"no topic":     func(r *agent.Request) { r.Traces.Topic = "" },
		"no partition": func(r *agent.Request) { r.Traces.Partitions = 0 },
	} {
		r := request()
		change(&r)
		if _, err := c.Attempt(within(t), r); !errors.Is(err, agent.ErrInvalidRequest) {
			t.Errorf("%s: error %v, want ErrInvalidRequest", name, err)
		}
	}
}

func TestConnectionsAreKeptForAsManyAttemptsAsRunAtOnce(t *testing.T) {
	t.Parallel()
	const concurrency = 100
	var mu sync.Mutex
	connections := map[string]bool{}
	var arrived sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connections[r.RemoteAddr] = true
		mu.Unlock()
		arrived.Done()
		arrived.Wait()
		respond(200, `{"events":1}`)(w, r)
	}))
	t.Cleanup(server.Close)
	c := client(t, agent.Config{URL: server.URL, Concurrency: concurrency})
	for range 3 {
		arrived.Add(concurrency)
		var done sync.WaitGroup
		for range concurrency {
			done.Go(func() {
				if _, err := c.Attempt(within(t), request()); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	}
	if len(connections) != concurrency {
		t.Errorf("%d connections for 3 times %d attempts, want %d", len(connections), concurrency, concurrency)
	}
}

func TestCallersCancellationIsItsOwn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(within(t))
	c := started(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		cancel()
		<-r.Context().Done()
	}))
	_, err := c.Attempt(ctx, request())
	if !errors.Is(err, context.Canceled) || errors.Is(err, agent.ErrWeather) || errors.Is(err, agent.ErrBroke) || errors.Is(err, agent.ErrTimedOut) {
		t.Errorf("error %v, want only context.Canceled", err)
	}
}
