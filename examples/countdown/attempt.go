package countdown

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/telemetry"
)

// flushBudget is the time for getting an attempt's events acknowledged. It is
// below what the worker waits for the answer beyond the deadline.
const flushBudget = 8 * time.Second

// player attempts rollouts.
type player struct {
	policies  policies
	producers *producers
	journal   *journal
}

// attempt plays one rollout: it records the thread's events, flushes them and
// answers with their number.
func (p *player) attempt(ctx context.Context, r agent.Request) (agent.Answer, error) {
	var task Task
	if err := json.Unmarshal(r.Task, &task); err != nil {
		return agent.Answer{}, fmt.Errorf("%w: %w", ErrTask, err)
	}
	if err := task.Check(); err != nil {
		return agent.Answer{}, err
	}
	producer, release, err := p.producers.acquire(ctx, r.Traces)
	if err != nil {
		return agent.Answer{}, err
	}
	defer release()
	thread := telemetry.NewThread(producer, r.Thread)
	solved, failure := p.play(ctx, r, task, thread)
	if agent.Unavailable(failure) {
		return agent.Answer{}, failure
	}

	// What happened is worth telling even when the attempt's time is over.
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushBudget)
	defer cancel()
	answer, err := finish(flushing, thread, failure)
	if err = errors.Join(failure, err); err != nil {
		return answer, err
	}
	return answer, p.journal.add(Row{Thread: r.Thread, Greedy: r.Greedy, Events: answer.Events, Reward: reward(solved)})
}

// play records the start, every decision and the reward.
func (p *player) play(ctx context.Context, r agent.Request, task Task, thread *telemetry.Thread) (solved bool, err error) {
	if err := thread.Start(ctx, task.String()); err != nil {
		return false, err
	}
	solved, err = Play(ctx, task, func(ctx context.Context, number uint32, features []float32) (int, error) {
		decision, err := p.policies.decide(ctx, r, number, features)
		if err != nil {
			return 0, err
		}
		return int(decision.Chosen), thread.Decide(ctx, "move", decision)
	})
	if err != nil {
		return false, err
	}
	return solved, thread.Reward(ctx, reward(solved))
}

// finish records the end, after the failure if there is one, and flushes. Its
// own error is the loss of the broker.
func finish(ctx context.Context, thread *telemetry.Thread, failure error) (agent.Answer, error) {
	if failure != nil {
		if err := thread.Fail(ctx, "play", failure); err != nil {
			return agent.Answer{}, fmt.Errorf("%w: %w", agent.ErrUnavailable, err)
		}
	}
	summary, err := thread.End(ctx)
	if err != nil {
		return agent.Answer{}, fmt.Errorf("%w: %w", agent.ErrUnavailable, err)
	}
	answer := agent.Answer{Events: summary.Events}
	for _, at := range summary.Acknowledged {
		answer.Acknowledged = append(answer.Acknowledged, agent.Position{Partition: at.Partition, Offset: at.Offset})
	}
	return answer, nil
}

func reward(solved bool) float64 {
	if solved {
		return 1
	}
	return 0
}

// String names the task: "5 3 20 4 = 87".
func (t Task) String() string {
	words := make([]string, 0, len(t.Numbers)+2)
	for _, n := range t.Numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(append(words, "=", strconv.Itoa(t.Target)), " ")
}
