package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

func TestTaskThatIsEnqueuedTwiceIsDoneOnce(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task, fence := rollouts(0), rollouts(1)
	enqueue(t, c, task, task)
	enqueue(t, c, task, fence)
	done := make(chan queue.Task, 10)
	stop := serve(t, r, time.Second, func(_ context.Context, task queue.Task) error {
		done <- task
		return nil
	})
	if first, second := receive(t, done), receive(t, done); first != task || second != fence {
		t.Errorf("done are %+v and %+v", first, second)
	}
	stop()
	if len(done) > 0 {
		t.Errorf("and %+v", <-done)
	}
}

func TestConditionsOfATask(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task := rollouts(0)
	eventually(t, c, task, queue.Unknown)
	enqueue(t, c, task)
	eventually(t, c, task, queue.Waiting)
	proceed, failure := make(chan error), errors.New("the agent's house is on fire")
	serve(t, r, time.Second, func(context.Context, queue.Task) error { return <-proceed })
	eventually(t, c, task, queue.Running)
	proceed <- failure
	if status := eventually(t, c, task, queue.Waiting); !strings.Contains(status.LastError, failure.Error()) {
		t.Errorf("the last error is %q", status.LastError)
	}
	eventually(t, c, task, queue.Running)
	proceed <- nil
	eventually(t, c, task, queue.Unknown)
}

// A worker that has the task in hand but gives no sign of life, as one that was
// killed.
func TestTaskOfAWorkerThatStoppedSignallingHasLapsed(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task := rollouts(0)
	enqueue(t, c, task)
	release := make(chan struct{})
	dead := asynq.NewServerFromRedisClient(r, asynq.Config{
		Queues: map[string]int{"test-training": 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: time.Millisecond,
	})
	if err := dead.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { <-release; return nil })); err != nil {
		t.Fatal(err)
	}
	defer dead.Shutdown()
	defer close(release)
	eventually(t, c, task, queue.Lapsed)
}

// PIN asynq: an archived task keeps its id, so that a shard can only be driven
// again under another number.
func TestTaskThatWasGivenUpHasLapsedUntilItsNextDrive(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task := rollouts(0)
	enqueue(t, c, task)
	tried := make(chan struct{})
	stop := serve(t, r, time.Second, func(context.Context, queue.Task) error {
		close(tried)
		return errors.Join(errors.New("no use"), asynq.SkipRetry)
	})
	receive(t, tried)
	stop()
	if status := eventually(t, c, task, queue.Lapsed); !strings.Contains(status.LastError, "no use") {
		t.Errorf("the last error is %q", status.LastError)
	}
	enqueue(t, c, task)
	eventually(t, c, task, queue.Lapsed)
	task.Drive++
	enqueue(t, c, task)
	eventually(t, c, task, queue.Waiting)
}

func TestTaskThatIsNoneIsGivenUp(t *testing.T) {
	t.Parallel()
	r := connect(t)
	task := rollouts(0)
	_, err := asynq.NewClientFromRedisClient(r).EnqueueContext(t.Context(), asynq.NewTask("cohort:shard", []byte("{")),
		asynq.TaskID(task.ID()), asynq.Queue("test-training"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, r, time.Second, func(_ context.Context, task queue.Task) error {
		t.Errorf("task %+v was handed out", task)
		return nil
	})
	eventually(t, queue.NewClient(r, prefix), task, queue.Lapsed)
}

func TestWhatEndsAStepAndEvaluationsHaveQueuesOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := connect(t)
	collect, evaluation := rollouts(0), rollouts(0)
	collect.Shard.Phase = job.Collect
	evaluation.Shard.Unit.Eval = "0123456789abcdef"
	enqueue(t, queue.NewClient(r, prefix), rollouts(0), collect, evaluation)
	for _, name := range []string{"test-training", "test-collect", "test-eval"} {
		info, err := asynq.NewInspectorFromRedisClient(r).GetQueueInfo(name)
		if err != nil || info.Pending != 1 {
			t.Errorf("queue %s: %+v, %v", name, info, err)
		}
	}
}

func TestTasksInHandEndWithinTheGrace(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task := rollouts(0)
	enqueue(t, c, task)
	started, finish := make(chan struct{}), make(chan struct{})
	stop := serve(t, r, 10*time.Second, func(ctx context.Context, _ queue.Task) error {
		close(started)
		<-finish
		return ctx.Err()
	})
	receive(t, started)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	close(finish)
	receive(t, stopped)
	eventually(t, c, task, queue.Unknown)
}

func TestTasksBeyondTheGraceAreHandedBack(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	task := rollouts(0)
	enqueue(t, c, task)
	started := make(chan struct{})
	stop := serve(t, r, 50*time.Millisecond, func(ctx context.Context, _ queue.Task) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	receive(t, started)
	stop()
	eventually(t, c, task, queue.Waiting)
	again := make(chan queue.Task, 1)
	serve(t, r, time.Second, func(_ context.Context, task queue.Task) error {
		again <- task
		return nil
	})
	if got := receive(t, again); got != task {
		t.Errorf("handed out again is %+v", got)
	}
}

func TestDeploymentsShareARedisAndNoKey(t *testing.T) {
	t.Parallel()
	r := connect(t)
	a, b := queue.NewClient(r, "a"), queue.NewClient(r, "b")
	enqueue(t, a, rollouts(0))
	eventually(t, a, rollouts(0), queue.Waiting)
	eventually(t, b, rollouts(0), queue.Unknown)
	if held, err := a.Hold(t.Context(), "j", "x", time.Minute); err != nil || !held {
		t.Fatal(held, err)
	}
	if held, err := b.Hold(t.Context(), "j", "y", time.Minute); err != nil || !held {
		t.Error("the other deployment's lease is in the way", err)
	}
	if _, err := queue.NewBarrier(r, "a").Count(t.Context(), "g", "s", 1, "d"); err != nil {
		t.Fatal(err)
	}
	if said, err := queue.NewBarrier(r, "b").Count(t.Context(), "g", "s", 2, "d"); err != nil || said != "fresh" {
		t.Errorf("the other deployment's barrier says %q, %v", said, err)
	}
}

func TestPrefixesAreChecked(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		"cohort-0123456789ab": true, "": false, "A": false, "a:b": false, "a{b}": false, strings.Repeat("x", 41): false,
	} {
		if _, err := queue.ParsePrefix(text); (err == nil) != valid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
