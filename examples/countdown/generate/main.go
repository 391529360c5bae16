// Command generate writes the training tasks of the countdown example to
// standard output:
//
//	go run ./examples/countdown/generate > examples/countdown/train.jsonl
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/examples/countdown"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	heldOut, err := countdown.ReadTasks(countdown.HeldOut())
	if err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	tasks := countdown.DrawTraining(countdown.TrainSeed, countdown.TrainSize, heldOut)
	if err := countdown.WriteTasks(w, tasks); err != nil {
		return err
	}
	return w.Flush()
}
