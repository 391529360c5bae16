package agent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
)

func TestHandlerAndClientAgree(t *testing.T) {
	t.Parallel()
	want := agent.Answer{Events: 5, Acknowledged: []agent.Position{{Partition: 0, Offset: 9}, {Partition: 3, Offset: 0}}}
	c := started(t, agent.Handler(func(_ context.Context, got agent.Request) (agent.Answer, error) {
		if !reflect.DeepEqual(got, request()) {
			t.Errorf("request %+v, want %+v", got, request())
		}
		return want, nil
	}))
	if got, err := c.Attempt(within(t), request()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("answer %+v, error %v, want %+v", got, err, want)
	}
}

func TestTraceContextReachesTheAgent(t *testing.T) {
	t.Parallel()
	own := telemetry.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "a=b", Baggage: "k=v"}
	for name, test := range map[string]struct{ given, want telemetry.Trace }{
		"the caller's": {own, own},
		"the thread's": {telemetry.Trace{}, telemetry.Trace{Parent: agent.TraceParent(request().Thread)}},
	} {
		var got telemetry.Trace
		c := started(t, agent.Handler(func(ctx context.Context, _ agent.Request) (agent.Answer, error) {
			got = telemetry.TraceFrom(ctx)
			return agent.Answer{}, nil
		}))
		if _, err := c.Attempt(telemetry.WithTrace(within(t), test.given), request()); err != nil || got != test.want {
			t.Errorf("%s: trace %+v, error %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestHandlerTellsWeatherFromFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attempt agent.Attempt
		status  int
		class   string
	}{
		"policy lost": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{}, fmt.Errorf("decide: %w", agent.ErrUnavailable)
			}, 503, "",
		},
		"policy lost until the deadline": {
			func(ctx context.Context, _ agent.Request) (agent.Answer, error) {
				<-ctx.Done()
				return agent.Answer{}, fmt.Errorf("decide: %w: %w", agent.ErrUnavailable, ctx.Err())
			}, 503, "",
		},
		"policy gone": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{}, fmt.Errorf("decide: %w", serve.ErrUnavailable)
			}, 503, "",
		},
		"broker lost": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{}, fmt.Errorf("flush: %w", telemetry.ErrUndelivered)
			}, 503, "",
		},
		"error": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{Events: 2}, errors.New("no such tool")
			}, 200, "error",
		},
		"failure": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{Events: 2}, fmt.Errorf("play: %w", &agent.Failed{Failure: agent.Failure{Class: "tool", Message: "no such tool"}})
			}, 200, "tool",
		},
		"deadline": {
			func(ctx context.Context, _ agent.Request) (agent.Answer, error) {
				<-ctx.Done()
				return agent.Answer{}, ctx.Err()
			}, 200, agent.ClassTimedOut,
		},
		"panic": {
			func(context.Context, agent.Request) (agent.Answer, error) { panic("nil map") }, 500, "panic",
		},
		"unreadable answer": {
			func(context.Context, agent.Request) (agent.Answer, error) {
				return agent.Answer{Acknowledged: make([]agent.Position, agent.MaxAnswer/20)}, nil
			}, 500, "invalid answer",
		},
	} {
		r := request()
		if strings.Contains(name, "deadline") {
			r.DeadlineMS = 10
		}
		_, err := started(t, agent.Handler(test.attempt)).Attempt(within(t), r)
		var failed *agent.Failed
		switch {
		case test.class == "":
			if !errors.Is(err, agent.ErrWeather) {
				t.Errorf("%s: error %v, want ErrWeather", name, err)
			}
		case !errors.As(err, &failed) || failed.Class != test.class || failed.Status != test.status:
			t.Errorf("%s: error %v, want a failure of class %s", name, err, test.class)
		case errors.Is(err, agent.ErrTimedOut) != (test.class == agent.ClassTimedOut):
			t.Errorf("%s: error %v is ErrTimedOut: %t", name, err, errors.Is(err, agent.ErrTimedOut))
		}
	}
}

func TestHandlerRefusesWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(agent.Handler(func(context.Context, agent.Request) (agent.Answer, error) {
		t.Error("attempted")
		return agent.Answer{}, nil
	}))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		method, body string
		status       int
	}{
		"no JSON":      {http.MethodPost, "hello", 400},
		"other format": {http.MethodPost, `{"format":"cohort.rollout/9"}`, 400},
		"too large":    {http.MethodPost, strings.Repeat(" ", agent.MaxRequest+1), 413},
		"other method": {http.MethodPut, "{}", 405},
	} {
		r, err := http.NewRequestWithContext(within(t), test.method, server.URL, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, test.status)
		}
	}
}
