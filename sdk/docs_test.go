package sdk_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/sdk"
)

// What the agent of docs/agents.md takes for granted.
type Task = countdown.Task

const Width = countdown.Width

var Features = countdown.Features

func score(g countdown.Game) float64 {
	if g.Solved {
		return 1
	}
	return 0
}

func play(ctx context.Context, r *sdk.Rollout) error {
	var task Task
	if err := r.Task(&task); err != nil {
		return err
	}
	game := task.Start()
	for !game.Over() {
		moves := game.Actions()
		chosen, err := r.Choose(ctx, "move", Width, Features(game, moves))
		if err != nil {
			return err
		}
		game = game.Play(moves[chosen])
	}
	return r.Reward(ctx, score(game))
}

// D1: the agent of the page is the one above, to the letter, and it plays.
func TestAgentOfTheDocsPlays(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/agents.md")
	if err != nil {
		t.Fatal(err)
	}
	_, printed, found := strings.Cut(string(page), "```go\nfunc play(ctx")
	printed, _, closed := strings.Cut(printed, "\n```\n")
	if !found || !closed || !strings.Contains(string(source), "\nfunc play(ctx"+printed+"\n") {
		t.Errorf("docs/agents.md has another agent than the one that is tested:\n%s", printed)
	}
	s := start(t, Width)
	client := serveAgent(t, sdk.Options{}, play)
	r := s.request
	r.Thread, r.Task = "a", []byte(`{"numbers": [2, 3], "target": 6}`)
	answer, err := client.Attempt(within(t), r)
	if events := s.thread(t, "a"); err != nil || answer.Events != 4 || len(events) != 4 {
		t.Errorf("answer %+v, error %v, the log has %q", answer, err, events)
	}
}
