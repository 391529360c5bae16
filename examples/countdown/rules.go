package countdown

import (
	"errors"
	"fmt"
)

// Bounds of a task. Features says how many numbers are left after a move as one
// of three classes, so a task has at most four.
const (
	MaxNumbers = 4
	MaxNumber  = 100
	MaxTarget  = 1000
)

// ErrTask says that a task is out of bounds.
var ErrTask = errors.New("countdown task is not valid")

// Task is one thing to solve: make Target from Numbers.
type Task struct {
	Numbers []int `json:"numbers"` // 2 to MaxNumbers, each 1 to MaxNumber
	Target  int   `json:"target"`  // 1 to MaxTarget
}

// Check returns an error that wraps ErrTask and names the field when the task
// is out of bounds.
func (t Task) Check() error {
	if len(t.Numbers) < 2 || len(t.Numbers) > MaxNumbers {
		return fmt.Errorf("%w: it has %d numbers, allowed are 2 to %d", ErrTask, len(t.Numbers), MaxNumbers)
	}
	for i, n := range t.Numbers {
		if n < 1 || n > MaxNumber {
			return fmt.Errorf("%w: numbers[%d] is %d, allowed are 1 to %d", ErrTask, i, n, MaxNumber)
		}
	}
	if t.Target < 1 || t.Target > MaxTarget {
		return fmt.Errorf("%w: target is %d, allowed are 1 to %d", ErrTask, t.Target, MaxTarget)
	}
	return nil
}

// Operation is what a move does with its two numbers. The values are the
// indices of its feature.
type Operation uint8

// The operations.
const (
	Add Operation = iota
	Subtract
	Multiply
	Divide
)

// Action is one legal move: the numbers at positions I and J, in that order,
// under Operation give Result.
type Action struct {
	I, J      int
	Operation Operation
	Result    int
}

// Game is a task in play. It is a value: Play returns the next one.
type Game struct {
	Numbers []int // what is left; the newest result is the last
	Target  int
	Solved  bool // the last move gave the target
}

// Start returns the game before its first move.
func (t Task) Start() Game { return Game{Numbers: t.Numbers, Target: t.Target} }

// Over says that the game has ended: the target was hit, or one number is left.
func (g Game) Over() bool { return g.Solved || len(g.Numbers) < 2 }

// Actions returns every legal move in the fixed order that decisions count in:
// by I, then by J, then addition, multiplication, subtraction, division.
//
// Addition and multiplication are listed once, for I < J. A difference must not
// be negative and a quotient must be whole.
func (g Game) Actions() []Action {
	var actions []Action
	for i, a := range g.Numbers {
		for j, b := range g.Numbers {
			if i == j {
				continue
			}
			if i < j {
				actions = append(actions, Action{i, j, Add, a + b}, Action{i, j, Multiply, a * b})
			}
			if a >= b {
				actions = append(actions, Action{i, j, Subtract, a - b})
			}
			if b > 0 && a%b == 0 {
				actions = append(actions, Action{i, j, Divide, a / b})
			}
		}
	}
	return actions
}

// Play returns the game after a legal action: its two numbers are gone, the
// others keep their order, and the result follows them.
func (g Game) Play(a Action) Game {
	left := append(g.rest(a), a.Result)
	return Game{Numbers: left, Target: g.Target, Solved: a.Result == g.Target}
}

// rest returns the numbers that an action does not take.
func (g Game) rest(a Action) []int {
	rest := make([]int, 0, len(g.Numbers))
	for k, n := range g.Numbers {
		if k != a.I && k != a.J {
			rest = append(rest, n)
		}
	}
	return rest
}
