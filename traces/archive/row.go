package archive

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

// row is a thread as Parquet stores it, or a part of one that is too large for a
// row: those that come before the last have thread, part and messages alone.
type row struct {
	Thread string `parquet:"thread"`
	Part   int32  `parquet:"part"`
	Last   bool   `parquet:"last"`

	ThreadFrom *string  `parquet:"thread_from,optional,dict"`
	Task       *string  `parquet:"task,optional"`
	TaskFrom   *string  `parquet:"task_from,optional,dict"`
	State      *string  `parquet:"state,optional,dict"`
	Reason     *string  `parquet:"reason,optional,dict"`
	Detail     *string  `parquet:"detail,optional"`
	Start      *int64   `parquet:"start,optional,timestamp(nanosecond)"`
	End        *int64   `parquet:"end,optional,timestamp(nanosecond)"`
	Traces     []string `parquet:"traces,list"`
	Libraries  []string `parquet:"libraries,list"`

	Spans      int64     `parquet:"spans"`
	Duplicates int64     `parquet:"duplicates"`
	ModelCalls int64     `parquet:"model_calls"`
	ToolCalls  int64     `parquet:"tool_calls"`
	Decisions  int64     `parquet:"decisions"`
	Errors     int64     `parquet:"errors"`
	Rewards    []float64 `parquet:"rewards,list"`
	// Tree is the thread as JSON: what `cohort traces show -o json` prints.
	Tree *string `parquet:"tree,optional"`

	// Messages are what the thread was made of, as they were read; Sources,
	// Partitions and Offsets say where, -1 for no partition.
	Messages   [][]byte `parquet:"messages,list"`
	Sources    []string `parquet:"sources,list"`
	Partitions []int32  `parquet:"partitions,list"`
	Offsets    []int64  `parquet:"offsets,list"`
}

// rowOf makes a row of what was collected.
func rowOf(f *collect.Found, part int32) (row, error) {
	r := row{Thread: f.ID, Part: part, Last: !f.More}
	for _, m := range f.Messages {
		r.Messages = append(r.Messages, m.Body)
		r.Sources = append(r.Sources, m.Source)
		r.Partitions = append(r.Partitions, int32(m.Partition)) //nolint:gosec // partitions are few
		r.Offsets = append(r.Offsets, m.Offset)
	}
	if f.More {
		return r, nil
	}
	tree, err := json.Marshal(&f.Thread)
	if err != nil {
		return row{}, fmt.Errorf("archive thread %q: %w", f.ID, err)
	}
	r.ThreadFrom, r.Task, r.TaskFrom = text(f.From), text(f.Task), text(f.TaskFrom)
	r.State, r.Reason, r.Detail = text(string(f.State)), text(f.Reason), text(f.Detail)
	r.Start, r.End = moment(f.Start), moment(f.End)
	r.Traces, r.Libraries, r.Tree = f.Traces, f.Libraries, text(string(tree))
	r.Spans, r.Duplicates = int64(f.Spans), int64(f.Duplicates)
	r.ModelCalls, r.ToolCalls, r.Decisions, r.Errors = int64(f.ModelCalls), int64(f.ToolCalls), int64(f.Decisions), int64(f.Errors)
	r.Rewards = f.RewardValues()
	return r, nil
}

// text is null where there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is null where it is not known.
func moment(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	nanos := t.UnixNano()
	return &nanos
}

// size is about how many bytes the row takes before compression.
func (r *row) size() int {
	n := 256 + len(r.Thread)
	if r.Tree != nil {
		n += len(*r.Tree)
	}
	for _, m := range r.Messages {
		n += len(m) + 32
	}
	return n
}

// undated is the folder of threads that say nothing about the time.
const undated = "undated"

// dayOf is the day on which a thread began, in UTC.
func dayOf(t *threads.Thread) string {
	if t.Start.IsZero() {
		return undated
	}
	return t.Start.UTC().Format(time.DateOnly)
}
