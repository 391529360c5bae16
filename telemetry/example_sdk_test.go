package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// ticking is a clock that goes on by a millisecond whenever it is looked at.
func ticking() func() time.Time {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Millisecond); return now }
}

// show prints what was recorded.
func show(m *telemetry.Memory) {
	for _, e := range m.Events() {
		fmt.Println(e.Index, e.Kind(), e.Summary())
	}
}

// In production the sink is a Producer.
func ExampleRun() {
	sink := &telemetry.Memory{Now: ticking()}
	ctx := context.Background()

	summary, err := telemetry.Run(ctx, sink, "job/1/0/0/5f3a", "2 3 = 6", func(ctx context.Context) error {
		return telemetry.FromContext(ctx).Reward(ctx, 1)
	})
	fmt.Println(summary.Events, err)
	show(sink)
	// Output:
	// 3 <nil>
	// 0 start "2 3 = 6"
	// 1 reward 1
	// 2 end after 3 events
}

// Whatever play ends in is recorded, and an end follows it.
func ExampleRun_failure() {
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(context.Context) error {
		return fmt.Errorf("log in with password=hunter2: %w", context.DeadlineExceeded)
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// log in with password=hunter2: context deadline exceeded
	// 0 start "x"
	// 1 error context.deadlineExceededError: "log in with password=[redacted]: context deadline exceeded" after 1ms
	// 2 end after 3 events
}

func ExampleNode() {
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(ctx context.Context) error {
		return telemetry.Node(ctx, "plan", func(ctx context.Context) error {
			for range 2 {
				err := telemetry.Node(ctx, "search", func(context.Context) error { return errors.New("no such page") })
				fmt.Println(err)
			}
			return nil
		})
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// plan/search: no such page
	// plan/search: no such page
	// <nil>
	// 0 start "x"
	// 1 error plan/search *errors.errorString: "no such page" attempt 1 after 1ms
	// 2 error plan/search *errors.errorString: "no such page" attempt 2 after 1ms
	// 3 node plan took 7ms
	// 4 end after 5 events
}

func ExampleTool() {
	add := func(_ context.Context, numbers []int) (int, error) { return numbers[0] + numbers[1], nil }
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(ctx context.Context) error {
		sum, err := telemetry.Tool(ctx, "add", []int{2, 3}, add)
		fmt.Println(sum)
		return err
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// 5
	// <nil>
	// 0 start "x"
	// 1 tool_call add "[2,3]" -> "5" in 2ms
	// 2 end after 3 events
}

func ExampleModel() {
	model := func(_ context.Context, prompt []uint32) (telemetry.Completion, error) {
		return telemetry.Completion{Response: []uint32{21, 2}, LogProbs: []float32{-0.25, -0.5}}, nil
	}
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(ctx context.Context) error {
		_, err := telemetry.Model(ctx, "small", []uint32{5, 8, 13}, model)
		return err
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// <nil>
	// 0 start "x"
	// 1 model_call small #0 3 tokens in, 2 out, log-prob -0.75
	// 2 end after 3 events
}

func ExampleThread_Decide() {
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(ctx context.Context) error {
		return telemetry.FromContext(ctx).Decide(ctx, "move", telemetry.Decision{
			Number: 0, Policy: "9f86d081", Width: 2, Features: []float32{1, 0, 0, 1}, Chosen: 1, LogProb: -0.69,
		})
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// <nil>
	// 0 start "x"
	// 1 decision move #0 took 1 of 2, log-prob -0.69, policy 9f86d081
	// 2 end after 3 events
}

func ExampleThread_Truncate() {
	sink := &telemetry.Memory{Now: ticking()}
	_, err := telemetry.Run(context.Background(), sink, "t", "x", func(ctx context.Context) error {
		return telemetry.FromContext(ctx).Truncate() // ten moves were not enough
	})
	fmt.Println(err)
	show(sink)
	// Output:
	// <nil>
	// 0 start "x"
	// 1 end after 2 events (truncated)
}

// Without Run, the end is the caller's to record.
func ExampleOpen() {
	sink := &telemetry.Memory{Now: ticking()}
	ctx, err := telemetry.Open(context.Background(), sink, "t", "x")
	fmt.Println(err)
	err = telemetry.FromContext(ctx).Reward(ctx, 0.5, telemetry.Attribute{Key: "judge", Value: "exact"})
	fmt.Println(err)
	summary, err := telemetry.FromContext(ctx).End(ctx)
	fmt.Println(summary.Events, err)
	// Output:
	// <nil>
	// <nil>
	// 3 <nil>
}

// What is recorded nowhere is an error.
func ExampleFromContext() {
	ctx := context.Background()
	fmt.Println(telemetry.FromContext(ctx).Reward(ctx, 1))
	fmt.Println(telemetry.Node(ctx, "plan", func(context.Context) error { panic("not called") }))
	// Output:
	// record reward: context carries no thread
	// node plan: context carries no thread
}
