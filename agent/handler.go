package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
)

// An Attempt plays one rollout: it records the thread's events, flushes them,
// and returns how many there were. Its context ends at the attempt's deadline
// and carries the request's W3C trace context, which package telemetry writes
// into every event; flushing may take longer, within a budget of its own.
//
// When it returns an error, that is the agent's own failure, unless it wraps
// ErrUnavailable, serve.ErrUnavailable or what package telemetry returns for a
// lost broker. Return the answer with it when events
// were sent. The class of a *Failed is kept; others are of class "error".
type Attempt func(ctx context.Context, r Request) (Answer, error)

// Handler serves attempts at every path, and GET /healthz.
//
//	200  the answer; with its error field if the attempt failed
//	400  the request is not of this contract; 413 too large
//	500  attempt panicked
//	503  ErrUnavailable, or the agent is being stopped: weather
func Handler(attempt Attempt) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n") // Who asked sees a short answer.
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		status, answer := respond(attempt, w, r)
		reply(w, status, answer)
	})
	return mux
}

func respond(attempt Attempt, w http.ResponseWriter, r *http.Request) (int, Answer) {
	var request Request
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if err == nil {
		err = json.Unmarshal(body, &request)
	}
	if err == nil {
		err = request.Check()
	}
	if err != nil {
		status := http.StatusBadRequest
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		return status, failed(Answer{}, "invalid request", err.Error())
	}
	traced := telemetry.WithTrace(r.Context(), telemetry.TraceFromHTTP(r.Header))
	ctx, cancel := context.WithTimeoutCause(traced, time.Duration(request.DeadlineMS)*time.Millisecond, errOver)
	defer cancel()
	answer, err := guard(ctx, attempt, request)
	return outcome(ctx, answer, err)
}

// panicked carries the value of a panic in an attempt.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// guard turns a panic of the attempt into an error: it is the agent's failure,
// and the agent goes on.
func guard(ctx context.Context, attempt Attempt, r Request) (answer Answer, err error) {
	defer func() {
		if value := recover(); value != nil {
			answer, err = Answer{}, &panicked{value}
		}
	}()
	return attempt(ctx, r)
}

// outcome maps what an attempt returned to a response. That the policy was lost
// outweighs that time has passed since.
func outcome(ctx context.Context, answer Answer, err error) (int, Answer) {
	var panicValue *panicked
	var failure *Failed
	switch {
	case err == nil:
		return http.StatusOK, answer
	case errors.As(err, &panicValue):
		return http.StatusInternalServerError, failed(answer, "panic", err.Error())
	case Unavailable(err):
		return http.StatusServiceUnavailable, failed(answer, "unavailable", err.Error())
	case errors.As(err, &failure):
		return http.StatusOK, failed(answer, failure.Class, failure.Message)
	case errors.Is(context.Cause(ctx), errOver):
		return http.StatusOK, failed(answer, ClassTimedOut, err.Error())
	case ctx.Err() != nil:
		return http.StatusServiceUnavailable, failed(answer, "stopped", err.Error())
	}
	return http.StatusOK, failed(answer, "error", err.Error())
}

// Unavailable says whether an error tells of a lost policy or broker: Handler
// answers 503 to it. Nobody waits for the events of such an attempt.
func Unavailable(err error) bool {
	for _, lost := range []error{
		ErrUnavailable,
		serve.ErrUnavailable,
		telemetry.ErrUndelivered, telemetry.ErrQueueFull, telemetry.ErrNoTopic, telemetry.ErrClosed,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

func failed(answer Answer, class, message string) Answer {
	failure := Failure{Class: class, Message: redact.Redactor{}.Text(message)}.clean()
	answer.Error = &failure
	return answer
}

func reply(w http.ResponseWriter, status int, answer Answer) {
	body, err := json.Marshal(answer)
	if err != nil || len(body) > MaxAnswer {
		status, body = http.StatusInternalServerError, []byte(`{"error":{"class":"invalid answer","message":"too large"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // A client that is gone has broken off; it tries again.
}
