package countdown_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/examples/countdown"
)

func TestActionsAreListedInTheDocumentedOrder(t *testing.T) {
	t.Parallel()
	g := countdown.Task{Numbers: []int{6, 2, 6}, Target: 99}.Start()
	want := []countdown.Action{
		{0, 1, countdown.Add, 8},
		{0, 1, countdown.Multiply, 12},
		{0, 1, countdown.Subtract, 4},
		{0, 1, countdown.Divide, 3},
		{0, 2, countdown.Add, 12},
		{0, 2, countdown.Multiply, 36},
		{0, 2, countdown.Subtract, 0},
		{0, 2, countdown.Divide, 1},
		{1, 2, countdown.Add, 8},
		{1, 2, countdown.Multiply, 12},
		{2, 0, countdown.Subtract, 0},
		{2, 0, countdown.Divide, 1},
		{2, 1, countdown.Subtract, 4},
		{2, 1, countdown.Divide, 3},
	}
	if got := g.Actions(); !slices.Equal(got, want) {
		t.Errorf("actions %v, want %v", got, want)
	}
}

func TestResultFollowsTheNumbersThatAreLeft(t *testing.T) {
	t.Parallel()
	g := countdown.Task{Numbers: []int{5, 3, 20, 4}, Target: 2}.Start()
	g = g.Play(countdown.Action{I: 2, J: 0, Operation: countdown.Divide, Result: 4})
	if want := []int{3, 4, 4}; !slices.Equal(g.Numbers, want) || g.Over() {
		t.Fatalf("numbers %v (over: %t), want %v", g.Numbers, g.Over(), want)
	}
	g = g.Play(countdown.Action{I: 1, J: 2, Operation: countdown.Subtract, Result: 0})
	g = g.Play(countdown.Action{I: 0, J: 1, Operation: countdown.Add, Result: 3})
	if !g.Over() || g.Solved {
		t.Errorf("one number, not the target: over %t, solved %t", g.Over(), g.Solved)
	}
}

func TestGameEndsAsSoonAsTheTargetIsHit(t *testing.T) {
	t.Parallel()
	g := countdown.Task{Numbers: []int{5, 3, 20, 4}, Target: 12}.Start()
	g = g.Play(countdown.Action{I: 1, J: 3, Operation: countdown.Multiply, Result: 12})
	if !g.Over() || !g.Solved {
		t.Errorf("over %t, solved %t, want both", g.Over(), g.Solved)
	}
}

func TestTasksOutOfBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for name, task := range map[string]countdown.Task{
		"no numbers":     {Target: 3},
		"one number":     {Numbers: []int{3}, Target: 3},
		"five numbers":   {Numbers: []int{1, 2, 3, 4, 5}, Target: 3},
		"zero":           {Numbers: []int{0, 2}, Target: 3},
		"large number":   {Numbers: []int{1, 101}, Target: 3},
		"zero target":    {Numbers: []int{1, 2}},
		"large target":   {Numbers: []int{1, 2}, Target: 1001},
		"negative first": {Numbers: []int{-1, 2}, Target: 1},
	} {
		if err := task.Check(); !errors.Is(err, countdown.ErrTask) {
			t.Errorf("%s: error %v, want ErrTask", name, err)
		}
	}
}

func TestEveryLegalGameEndsWithinItsNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		task := countdown.Task{
			Numbers: rapid.SliceOfN(rapid.IntRange(1, countdown.MaxNumber), 2, countdown.MaxNumbers).Draw(t, "numbers"),
			Target:  rapid.IntRange(1, countdown.MaxTarget).Draw(t, "target"),
		}
		if err := task.Check(); err != nil {
			t.Fatal(err)
		}
		moves := 0
		for g := task.Start(); !g.Over(); moves++ {
			actions := g.Actions()
			features := countdown.Features(g, actions)
			if len(actions) == 0 || len(features) != len(actions)*countdown.Width {
				t.Fatalf("%d actions, %d features", len(actions), len(features))
			}
			for _, v := range features {
				if !(v >= -1 && v <= 2) {
					t.Fatalf("feature %v", v)
				}
			}
			g = g.Play(rapid.SampledFrom(actions).Draw(t, "action"))
		}
		if moves >= len(task.Numbers) {
			t.Fatalf("%d moves with %d numbers", moves, len(task.Numbers))
		}
	})
}
