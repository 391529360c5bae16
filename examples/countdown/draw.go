package countdown

import (
	"slices"

	"github.com/cohort-rl/cohort/numerics"
)

// What Train was drawn with.
const (
	TrainSeed = 1
	TrainSize = 8192
)

// Draw returns a random task that can be solved: four numbers of 1 to 20, drawn
// evenly with repeats, and as target what three random legal moves leave, each
// drawn evenly. It draws all anew while the target is not within 1 to 100 or is
// one of the four numbers.
func Draw(random *numerics.Stream) Task {
	for {
		numbers := make([]int, MaxNumbers)
		for i := range numbers {
			numbers[i] = 1 + random.IntN(20)
		}
		g := Game{Numbers: numbers}
		for len(g.Numbers) > 1 {
			actions := g.Actions()
			g = g.Play(actions[random.IntN(len(actions))])
		}
		target := g.Numbers[0]
		if target >= 1 && target <= 100 && !slices.Contains(numbers, target) {
			return Task{Numbers: numbers, Target: target}
		}
	}
}

// DrawTraining returns n random tasks, none of which is a held-out one with its
// numbers in any order. It is a pure function of its arguments.
func DrawTraining(seed uint64, n int, heldOut []Task) []Task {
	excluded := make(map[puzzle]bool, len(heldOut))
	for _, t := range heldOut {
		excluded[t.puzzle()] = true
	}
	random := numerics.NewStream(seed)
	tasks := make([]Task, 0, n)
	for len(tasks) < n {
		if t := Draw(random); !excluded[t.puzzle()] {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// puzzle is what makes two tasks the same: the numbers, sorted, and the target.
type puzzle struct {
	numbers [MaxNumbers]int
	target  int
}

func (t Task) puzzle() puzzle {
	p := puzzle{target: t.Target}
	copy(p.numbers[:], t.Numbers)
	slices.Sort(p.numbers[:])
	return p
}
