package countdown_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/examples/countdown"
)

func TestHeldOutTasksAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	var want []countdown.Task
	for _, row := range readReference(t).HeldOut {
		var task countdown.Task
		if err := json.Unmarshal(row[0], &task.Numbers); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(row[1], &task.Target); err != nil {
			t.Fatal(err)
		}
		want = append(want, task)
	}
	got := heldOut(t)
	if len(got) != 500 || !slices.EqualFunc(got, want, sameTask) {
		t.Errorf("the %d held-out tasks are not the %d of the reference", len(got), len(want))
	}
}

func TestHeldOutTasksHaveTheReferencesDifficulty(t *testing.T) {
	t.Parallel()
	reference := readReference(t).Description
	candidates, most := 0, 0
	needed := map[string]int{}
	for _, task := range heldOut(t) {
		g := task.Start()
		n := len(g.Actions())
		candidates += n
		most = max(most, n)
		needed[string(rune('0'+fewest(g)))]++
	}
	mean := float64(candidates) / 500
	t.Logf("candidates: mean %.2f, most %d; moves needed: %v", mean, most, needed)
	if math.Abs(mean-reference.Candidates) > 0.05 || most != reference.Most {
		t.Errorf("candidates: mean %.2f, most %d, want %.1f and %d", mean, most, reference.Candidates, reference.Most)
	}
	for moves, want := range reference.Needed {
		if needed[moves] != want {
			t.Errorf("%d tasks need %s moves, want %d", needed[moves], moves, want)
		}
	}
}

// The untrained policy gives every candidate the same score, so it plays the
// first legal action.
func TestFirstLegalActionSolvesWhatTheUntrainedReferenceSolves(t *testing.T) {
	t.Parallel()
	solved := 0
	for _, task := range heldOut(t) {
		g := task.Start()
		for !g.Over() {
			g = g.Play(g.Actions()[0])
		}
		if g.Solved {
			solved++
		}
	}
	want := readReference(t).Runs[0].Curve[0][1]
	if got := float64(solved) / 500; got != want {
		t.Errorf("solves %v of the held-out tasks, want %v", got, want)
	}
}

func TestTrainingTasksAreWhatTheGeneratorWrites(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	tasks := countdown.DrawTraining(countdown.TrainSeed, countdown.TrainSize, heldOut(t))
	if err := countdown.WriteTasks(&want, tasks); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(countdown.Train(), want.Bytes()) {
		t.Error("train.jsonl differs: run go run ./examples/countdown/generate > examples/countdown/train.jsonl")
	}
}

func TestNoTrainingTaskIsHeldOut(t *testing.T) {
	t.Parallel()
	key := func(task countdown.Task) string {
		slices.Sort(task.Numbers)
		body, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	excluded := map[string]bool{}
	for _, task := range heldOut(t) {
		excluded[key(task)] = true
	}
	tasks, err := countdown.ReadTasks(countdown.Train())
	if err != nil {
		t.Fatal(err)
	}
	for i, task := range tasks {
		if excluded[key(task)] {
			t.Errorf("training task %d is held out", i+1)
		}
	}
	again := countdown.DrawTraining(countdown.TrainSeed, 1, tasks[:1])
	if key(again[0]) == key(tasks[0]) {
		t.Error("an excluded task was drawn")
	}
}

func TestTaskErrorsNameTheTask(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"bounds":        `{"numbers":[1,2],"target":3}` + "\n" + `{"numbers":[1],"target":3}`,
		"unknown field": `{"numbers":[1,2],"target":3}` + "\n" + `{"numbers":[1,2],"goal":3}`,
		"not JSON":      `{"numbers":[1,2],"target":3}` + "\nnumbers",
	} {
		if _, err := countdown.ReadTasks([]byte(lines)); err == nil || !strings.Contains(err.Error(), "task 2") {
			t.Errorf("%s: error %v, want one that names task 2", name, err)
		}
	}
}

// fewest returns the least number of moves that hits the target, by search.
func fewest(g countdown.Game) int {
	best := 9
	for _, a := range g.Actions() {
		next := g.Play(a)
		if next.Solved {
			return 1
		}
		best = min(best, 1+fewest(next))
	}
	return best
}

type reference struct {
	Description struct {
		Candidates float64        `json:"heldout_mean_candidates_first_decision"`
		Most       int            `json:"heldout_max"`
		Needed     map[string]int `json:"heldout_min_actions_needed"`
	} `json:"description"`
	HeldOut [][2]json.RawMessage `json:"heldout"`
	Runs    []struct {
		Policy   string       `json:"policy"`
		Features string       `json:"features"`
		Rate     float64      `json:"lr"`
		Seed     int          `json:"seed"`
		Curve    [][3]float64 `json:"eval_step_greedy_sampled"`
	} `json:"runs"`
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	body, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func heldOut(t *testing.T) []countdown.Task {
	t.Helper()
	tasks, err := countdown.ReadTasks(countdown.HeldOut())
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func sameTask(a, b countdown.Task) bool {
	return a.Target == b.Target && slices.Equal(a.Numbers, b.Numbers)
}
