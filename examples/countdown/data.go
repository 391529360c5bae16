package countdown

import (
	"bytes"
	_ "embed" // for the data sets
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed train.jsonl
var train string

//go:embed heldout.jsonl
var heldOut string

// Train returns the training set, 8,192 tasks as JSON Lines, that
// examples/countdown/generate writes.
func Train() []byte { return []byte(train) }

// HeldOut returns the 500 tasks of the evaluation as JSON Lines. They are those
// on which the curves in testdata/reference.json were measured.
func HeldOut() []byte { return []byte(heldOut) }

// ReadTasks decodes JSON Lines and checks every task. Errors name the task by its number, from 1.
func ReadTasks(lines []byte) ([]Task, error) {
	decoder := json.NewDecoder(bytes.NewReader(lines))
	decoder.DisallowUnknownFields()
	var tasks []Task
	for {
		var t Task
		err := decoder.Decode(&t)
		if errors.Is(err, io.EOF) {
			return tasks, nil
		}
		if err == nil {
			err = t.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("read task %d: %w", len(tasks)+1, err)
		}
		tasks = append(tasks, t)
	}
}

// WriteTasks encodes tasks as JSON Lines.
func WriteTasks(w io.Writer, tasks []Task) error {
	encoder := json.NewEncoder(w)
	for _, t := range tasks {
		if err := encoder.Encode(t); err != nil {
			return fmt.Errorf("write tasks: %w", err)
		}
	}
	return nil
}
