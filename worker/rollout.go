package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// rollout runs the shard's rollouts, a bounded number at once, and settles what
// came of each.
func (h *hand) rollout(ctx context.Context) (blob.Digest, error) {
	tasks, err := h.tasks(ctx)
	if err != nil {
		return "", err
	}
	if err := h.host(ctx); err != nil {
		return "", err
	}
	from, to := h.plan.Span(job.Rollout, h.task.Shard.Index)
	before, err := h.earlier(ctx, from, to)
	if err != nil {
		return "", err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(h.job.def.Spec.Limits.RolloutsInFlight)
	executions := make([]job.Execution, to-from)
	for i := range executions {
		if before[i].Reason != "" {
			executions[i] = before[i] // failed in an earlier collection, and stays so
			continue
		}
		group, rollout := h.plan.At(from + i)
		task := tasks[h.plan.Tasks[group-h.plan.First]]
		g.Go(func() (err error) {
			executions[i], err = h.attempt(gctx, group, rollout, task, before[i].Attempts)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	h.done.At = h.Clock.Now().UTC()
	return settle(ctx, h, job.RolloutFormat, &job.RolloutRecord{Format: job.RolloutFormat, Done: h.done, Executions: executions})
}

// settle creates the shard's settled record, or finds that another did.
func settle[T any](ctx context.Context, h *hand, format string, record *T) (blob.Digest, error) {
	defer h.noteEffect("settle.")()
	key := h.task.Shard.SettledKey()
	create := records.Adopt[T]
	if h.task.Shard.Phase.Repeatable() {
		create = records.Remake[T]
	}
	_, existed, err := create(ctx, h.store, key, format, record)
	if err != nil {
		return "", err
	}
	if existed {
		h.log.Info("Another execution of the shard was settled first; this one is superseded.")
		_, digest, err := records.Read[T](ctx, h.store, key, format)
		return digest, err
	}
	body, err := sealed.Seal(record)
	return blob.DigestOf(body), err
}

// attempt runs one rollout until its fate is settled. Each execution has a
// fresh nonce, so its events can never be taken for another's. Weather is tried
// again until the context ends: it is never a fate.
func (h *hand) attempt(ctx context.Context, group, rollout int, task json.RawMessage, failures int) (job.Execution, error) {
	counted := job.Attempts{Failures: failures}
	spec := h.job.def.Spec
	pause := spec.Agent.Backoff.Std()
	longest := longestPauses * pause
	for {
		nonce := h.executionNonce(group, rollout, counted.Executions)
		request := agent.Request{
			Format:  agent.Format,
			Thread:  h.plan.Unit.ThreadID(group, rollout, nonce),
			Job:     string(h.job.def.ID),
			Step:    h.plan.Unit.Step,
			Group:   group,
			Rollout: rollout,
			Greedy:  h.plan.Greedy,
			Task:    task,
			Seed:    h.plan.Unit.RolloutSeed(spec.Seed, group, rollout),

			DeadlineMS: h.deadline().Milliseconds(),
			Policy:     agent.PolicyAddress{URL: h.Policies.URL(h.plan.Policy.Weights), Token: h.PolicyToken.Reveal(), Digest: string(h.plan.Policy.Weights)},
			Traces:     agent.TracesAddress{Brokers: h.Brokers, Topic: h.job.begin.Topic, Partitions: spec.Traces.Partitions},
		}
		began := h.Clock.Now()
		traced, span := h.Spans.Rollout(ctx, h.plan.Unit, group, rollout, counted.Executions+1, request.Thread)
		answer, err := h.job.agent.Attempt(traced, request)
		if ctx.Err() != nil {
			span.End(ctx, ctx.Err())
			return job.Execution{}, ctx.Err()
		}
		var ruling job.Ruling
		outcome := h.classify(ctx, began, err)
		counted, ruling = counted.Rule(outcome, spec.Agent.Attempts)
		span.EndRollout(outcome, answer.Events, err, ruling)
		if ruling.Settled {
			return execution(request, nonce, answer, err, counted, ruling), nil
		}
		h.log.Debug("A rollout is attempted again.", "group", group, "rollout", rollout, "error", err)
		if ended := h.Clock.Sleep(ctx, pause); ended != nil {
			return job.Execution{}, ended
		}
		pause = min(2*pause, longest)
	}
}

// executionNonce is fresh for every execution of a rollout, as the nonce of this
// drive is: 128 bits of the SHA-256 of them all.
func (h *hand) executionNonce(group, rollout, executions int) string {
	return string(blob.DigestOf(fmt.Appendf(nil, "%s/%d/%d/%d", h.nonce, group, rollout, executions)))[:32]
}

// longestPauses is the longest pause between executions of a rollout, in first
// ones.
const longestPauses = 40

// classify says how an execution came out.
func (h *hand) classify(ctx context.Context, began time.Time, err error) job.Answer {
	var failed *agent.Failed
	switch {
	case err == nil:
		return job.Answered
	case errors.Is(err, agent.ErrTimedOut):
		if h.pulse.gapSince(began) {
			return job.Weather
		}
		return job.Overdue
	case errors.As(err, &failed):
		return job.Refused
	case errors.Is(err, agent.ErrBroke) && h.job.agent.Healthy(ctx):
		return job.BrokeHealthy
	}
	return job.Weather
}

// execution is the settled execution of a rollout.
func execution(r agent.Request, nonce string, answer agent.Answer, err error, a job.Attempts, ruling job.Ruling) job.Execution {
	e := job.Execution{
		Group: r.Group, Rollout: r.Rollout, Nonce: nonce,
		Attempts: a.Failures, Executions: a.Executions, Reason: ruling.Reason,
	}
	if err != nil {
		e.Detail = err.Error()
		return e
	}
	e.Events = answer.Events
	for _, at := range answer.Acknowledged {
		e.Acknowledged = append(e.Acknowledged, job.Position(at))
	}
	return e
}
