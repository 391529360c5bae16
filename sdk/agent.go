package sdk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
	"github.com/cohort-rl/cohort/trust"
)

// Options say how an agent reaches policies and Kafka, and what it tells.
type Options struct {
	// PolicyCA is a PEM file of authorities to trust beside the system's when
	// policies are asked over TLS; empty for none.
	PolicyCA string
	// Kafka is how the agent is let in by the Kafka that requests name.
	Kafka telemetry.Security
	// Redact takes secrets out of what is recorded and answered; the zero value
	// knows the usual keys.
	Redact redact.Redactor
	// Name says what a task is called in its thread's Start. Its error refuses
	// the task, before anything is recorded. By default the name is the task's
	// JSON, cut at 200 bytes.
	Name func(r *Rollout) (string, error)
	// Answered is told of each attempt that ended well, when its events are in
	// the log. Its error becomes the attempt's failure. May be nil.
	Answered func(r *Rollout, answer agent.Answer) error
}

// An Agent attempts rollouts. It keeps a producer for each topic and the
// connections to policies for all its attempts.
type Agent struct {
	options   Options
	policies  policies
	producers *producers
}

// closeBudget is the time for what is left to send when an agent is closed.
const closeBudget = 5 * time.Second

// New returns an agent. The caller closes it.
func New(o Options) (*Agent, error) {
	settings, err := trust.Client(o.PolicyCA)
	if err != nil {
		return nil, fmt.Errorf("--policy-ca: %w", err)
	}
	made, err := newProducers(closeBudget, o.Kafka, o.Redact)
	if err != nil {
		return nil, err
	}
	return &Agent{options: o, policies: newPolicies(settings), producers: made}, nil
}

// Close closes the producers and connections, when no attempt runs any more.
func (a *Agent) Close(ctx context.Context) error {
	a.policies.close()
	return a.producers.close(ctx)
}

// Attempt returns play as a function for [agent.Handler]: it records the thread
// around it, flushes it and answers with the number of its events. An End is in
// the log whatever play ends in. A panic is recorded and raised again.
func (a *Agent) Attempt(play Play) agent.Attempt {
	return func(ctx context.Context, request agent.Request) (agent.Answer, error) {
		if play == nil {
			return agent.Answer{}, errors.New("the agent has nothing to play: Play is nil")
		}
		r := &Rollout{Request: request, policies: a.policies}
		name, err := a.name(r)
		if err != nil {
			return agent.Answer{}, a.failure(ctx, err)
		}
		producer, release, err := a.producers.acquire(ctx, request.Traces)
		if err != nil {
			return agent.Answer{}, err
		}
		defer release()
		summary, err := telemetry.Run(ctx, producer, request.Thread, name, func(ctx context.Context) error {
			return play(ctx, r)
		})
		answer := agent.Answer{Events: summary.Events}
		for _, at := range summary.Acknowledged {
			answer.Acknowledged = append(answer.Acknowledged, agent.Position(at))
		}
		if err == nil && a.options.Answered != nil {
			err = a.options.Answered(r, answer)
		}
		return answer, a.failure(ctx, err)
	}
}

// name is what the rollout's task is called.
func (a *Agent) name(r *Rollout) (string, error) {
	if a.options.Name != nil {
		return a.options.Name(r)
	}
	return cut(string(r.Request.Task), 200), nil
}

// failure gives the agent's own failure the class that its event has, and takes
// secrets out of its message.
func (a *Agent) failure(ctx context.Context, err error) error {
	if err == nil || agent.Unavailable(err) || ctx.Err() != nil {
		return err
	}
	failed := &agent.Failed{Failure: agent.Failure{Class: telemetry.ErrorClass(err), Message: err.Error()}}
	if own, ok := errors.AsType[*agent.Failed](err); ok {
		failed.Failure = own.Failure
	}
	failed.Message = a.options.Redact.Text(failed.Message)
	return failed
}
