package endtoend_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// task is what the agent of these tests is asked: to choose candidate Best of
// four. Mischief is what it does instead of behaving well.
type task struct {
	Best     int      `json:"best"`
	Mischief mischief `json:"mischief,omitempty"`
}

type mischief string

const (
	refuses   mischief = "answers 500"
	late      mischief = "answers when its time has passed"
	silent    mischief = "never answers"
	breaks    mischief = "breaks the connection"
	promises  mischief = "promises an event that it did not send"
	unreward  mischief = "records no reward"
	notNumber mischief = "records a reward that is no number"
	stale     mischief = "decides under other weights"
	idle      mischief = "decides nothing"
	endless   mischief = "records no end"
)

// width is the number of features of a candidate.
const width = 3

// misbehaving is an agent that does what its tasks say.
type misbehaving struct {
	url  string
	http *http.Client
	// gate is told of each request before anything is done for it, and may keep
	// it waiting.
	gate func(ctx context.Context, r agent.Request)

	mu        sync.Mutex // guards what follows
	producers map[string]*telemetry.Producer
}

// startAgent runs an agent until the end of the test.
func startAgent(t *testing.T, gate func(context.Context, agent.Request)) *misbehaving {
	t.Helper()
	return startAgentTrusting(t, gate, nil)
}

// startAgentTrusting runs an agent that asks policies under settings of TLS.
func startAgentTrusting(t *testing.T, gate func(context.Context, agent.Request), settings *tls.Config) *misbehaving {
	t.Helper()
	if gate == nil {
		gate = func(context.Context, agent.Request) {}
	}
	a := &misbehaving{http: serve.NewHTTPClient(64, settings), gate: gate, producers: map[string]*telemetry.Producer{}}
	server := httptest.NewServer(a.handler())
	a.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		a.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		for _, p := range a.producers {
			_, _ = p.Close(ctx) // The broker may be gone.
		}
	})
	return a
}

// handler does the mischief that is one of HTTP; the rest is attempt's.
func (a *misbehaving) handler() http.Handler {
	well := agent.Handler(a.attempt)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method == http.MethodGet {
			well.ServeHTTP(w, r)
			return
		}
		var request agent.Request
		var asked task
		if err := errors.Join(json.Unmarshal(body, &request), json.Unmarshal(request.Task, &asked)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a.gate(r.Context(), request)
		switch asked.Mischief {
		case refuses:
			http.Error(w, "no", http.StatusInternalServerError)
		case silent:
			<-r.Context().Done()
		case breaks:
			panic(http.ErrAbortHandler)
		default:
			r.Body = io.NopCloser(bytes.NewReader(body))
			well.ServeHTTP(w, r)
		}
	})
}

func (a *misbehaving) producer(to agent.TracesAddress) (*telemetry.Producer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := to.Brokers[0] + " " + to.Topic
	if a.producers[key] == nil {
		p, err := telemetry.NewProducer(telemetry.Config{Brokers: to.Brokers, Topic: to.Topic})
		if err != nil {
			return nil, err
		}
		a.producers[key] = p
	}
	return a.producers[key], nil
}

// attempt plays one rollout: one choice, and a reward of 1 for the best.
func (a *misbehaving) attempt(ctx context.Context, r agent.Request) (agent.Answer, error) {
	var asked task
	if err := json.Unmarshal(r.Task, &asked); err != nil {
		return agent.Answer{}, err
	}
	if asked.Mischief == late {
		<-ctx.Done()
		return agent.Answer{}, context.Cause(ctx)
	}
	if asked.Mischief == notNumber {
		return sendNotNumber(ctx, r)
	}
	p, err := a.producer(r.Traces)
	if err != nil {
		return agent.Answer{}, err
	}
	thread := telemetry.NewThread(p, r.Thread)
	if err := thread.Start(ctx, "choose"); err != nil {
		return agent.Answer{}, err
	}
	if err := a.choose(ctx, r, asked, thread); err != nil {
		return agent.Answer{}, err
	}
	if asked.Mischief == endless {
		at, err := thread.Flush(ctx)
		return answer(3, at), err
	}
	summary, err := thread.End(ctx)
	if err != nil {
		return agent.Answer{}, err
	}
	if asked.Mischief == promises {
		summary.Events++
	}
	return answer(summary.Events, summary.Acknowledged), nil
}

func answer(events uint64, at []telemetry.Position) agent.Answer {
	said := agent.Answer{Events: events}
	for _, p := range at {
		said.Acknowledged = append(said.Acknowledged, agent.Position{Partition: p.Partition, Offset: p.Offset})
	}
	return said
}

// choose records the decision and its reward.
func (a *misbehaving) choose(ctx context.Context, r agent.Request, asked task, thread *telemetry.Thread) error {
	reward := 0.0
	if asked.Mischief != idle {
		features := make([]float32, 4*width)
		for i := range 4 {
			features[i*width] = float32(i) / 4
			features[i*width+1] = 1
		}
		features[asked.Best*width+2] = 1
		client := serve.Client{URL: r.Policy.URL, Token: secret.Text(r.Policy.Token), HTTP: a.http}
		choices, err := client.Decide(ctx, serve.Request{Seed: r.Seed, Greedy: r.Greedy, Decisions: []serve.Decision{
			{Features: serve.Rows{Width: width, Values: features}},
		}})
		if err != nil {
			return err
		}
		d := telemetry.Decision{
			Policy: r.Policy.Digest, Width: width, Features: features,
			Chosen: uint32(choices[0].Chosen), LogProb: choices[0].LogProb,
		}
		if asked.Mischief == stale {
			d.Policy = "latest"
		}
		if err := thread.Decide(ctx, "choice", d); err != nil {
			return err
		}
		if int(d.Chosen) == asked.Best {
			reward = 1
		}
	}
	if asked.Mischief == unreward {
		return nil
	}
	return thread.Reward(ctx, reward)
}
