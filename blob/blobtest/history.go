package blobtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/anishathalye/porcupine"

	"github.com/cohort-rl/cohort/blob"
)

// A History is what writers that raced for the numbers of a log asked a bucket
// and were told, with the order in which the questions and answers came.
type History struct {
	mu         sync.Mutex // guards operations
	operations []porcupine.Operation
	clock      atomic.Int64
}

// question is what is asked about a number.
type question struct {
	number int
	op     operation
	old    string // of a replace
	body   string // of a create or a replace
}

type operation int

const (
	opGet operation = iota
	opCreate
	opReplace
)

// answer is what came of it. An unknown one may or may not have taken effect,
// at any time after the question.
type answer struct {
	refused bool   // it is not there, or the condition does not hold
	unknown bool   // some other error
	body    string // of a get
}

// Race lets writers race for numbers under prefix, which nobody else uses: each
// creates an entry of its own at every number and reads what is there; with
// replaces it then replaces what it read, which a bucket can only be held to
// where no answer is lost.
func Race(ctx context.Context, b blob.Bucket, prefix string, writers, numbers int, replaces bool) *History {
	h := &History{}
	start := make(chan struct{})
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			<-start
			for n := range numbers {
				key := fmt.Sprintf("%s/%020d.json", prefix, n)
				h.create(ctx, b, key, question{number: n, op: opCreate, body: fmt.Sprintf("writer %d", w)})
				found, ok := h.get(ctx, b, key, n)
				if replaces && ok {
					h.replace(ctx, b, key, question{number: n, op: opReplace, old: string(found.Body), body: fmt.Sprintf("writer %d again", w)}, found.Version)
				}
			}
		})
	}
	close(start)
	done.Wait()
	return h
}

func (h *History) create(ctx context.Context, b blob.Bucket, key string, q question) {
	began := h.clock.Add(1)
	_, err := b.Put(ctx, key, []byte(q.body), blob.IfAbsent())
	h.add(began, q, answer{refused: errors.Is(err, blob.ErrExists), unknown: err != nil && !errors.Is(err, blob.ErrExists)})
}

func (h *History) replace(ctx context.Context, b blob.Bucket, key string, q question, version blob.Version) {
	began := h.clock.Add(1)
	_, err := b.Put(ctx, key, []byte(q.body), blob.IfMatch(version))
	h.add(began, q, answer{refused: errors.Is(err, blob.ErrStale), unknown: err != nil && !errors.Is(err, blob.ErrStale)})
}

func (h *History) get(ctx context.Context, b blob.Bucket, key string, n int) (blob.Object, bool) {
	began := h.clock.Add(1)
	object, err := b.Get(ctx, key)
	missing := errors.Is(err, blob.ErrNotFound)
	h.add(began, question{number: n}, answer{refused: missing, unknown: err != nil && !missing, body: string(object.Body)})
	return object, err == nil
}

func (h *History) add(began int64, q question, a answer) {
	ended := h.clock.Add(1)
	if a.unknown {
		ended = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: len(h.operations), Input: q, Output: a, Call: began, Return: ended})
}

// Unknown is how many questions got no answer.
func (h *History) Unknown() int {
	n := 0
	for _, o := range h.operations {
		if o.Output.(answer).unknown {
			n++
		}
	}
	return n
}

// Linearizable reports whether each number was a register: every answer is as if
// the questions had been asked one after the other, each at a moment between its
// question and its answer.
func (h *History) Linearizable() bool {
	model := porcupine.NondeterministicModel{
		Partition: byNumber,
		Init:      func() []any { return []any{""} },
		Step: func(state, input, output any) []any {
			return step(state.(string), input.(question), output.(answer))
		},
	}
	return porcupine.CheckOperations(model.ToModel(), h.operations)
}

func byNumber(all []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	for _, o := range all {
		n := o.Input.(question).number
		for len(parts) <= n {
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], o)
	}
	return parts
}

// step gives the contents that may be there after the answer; "" is nothing.
func step(state string, q question, a answer) []any {
	if q.op == opGet {
		if a.unknown || a.refused && state == "" || !a.refused && state != "" && state == a.body {
			return []any{state}
		}
		return nil
	}
	holds := state == q.old // which is "" for a create
	// What is there already and equal is success, too.
	done := holds || state == q.body
	switch {
	case a.unknown && holds:
		return []any{state, q.body}
	case a.unknown, a.refused && !done:
		return []any{state}
	case !a.refused && done:
		return []any{q.body}
	default:
		return nil
	}
}
