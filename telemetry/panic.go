package telemetry

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
)

// ClassPanic is the class of an Error that records a panic, ClassExit that of
// one that records the end of its goroutine (runtime.Goexit).
const (
	ClassPanic = "panic"
	ClassExit  = "exit"
)

// stackAttribute is the attribute that has the stack of a panic.
const stackAttribute = "stack"

// maxStack bounds a recorded stack, in bytes.
const maxStack = 4096

// guard calls f. When f panics or ends its goroutine, seen is told; then the
// panic goes on.
func guard(f func() error, seen func(failure Error, stack Attribute)) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		seen(describePanic(value), Attribute{Key: stackAttribute, Value: stack()})
		if value != nil {
			panic(value)
		}
	}()
	err := f()
	returned = true
	return err
}

// describePanic turns what was recovered into the body that records it; nil
// stands for runtime.Goexit.
func describePanic(value any) Error {
	if value == nil {
		return Error{Class: ClassExit, Message: "the goroutine was ended"}
	}
	if err, ok := value.(error); ok {
		e := describe("", err)
		e.Causes = append([]Cause{{Class: typeOf(err), Message: e.Message}}, e.Causes...)
		e.Causes = e.Causes[:min(len(e.Causes), maxCauses)]
		e.Class = ClassPanic
		return e
	}
	return Error{Class: ClassPanic, Message: clip(fmt.Sprint(value), maxMessage)}
}

// stack is that of the panic that is being recovered, from where it was raised
// down to the call of guard.
func stack() string {
	text := string(debug.Stack())
	if _, raised, found := strings.Cut(text, "\npanic("); found {
		if _, below, found := strings.Cut(raised, "\n\t"); found {
			_, text, _ = strings.Cut(below, "\n")
		}
	}
	if above, _, found := strings.Cut(text, "\ngithub.com/cohort-rl/cohort/telemetry.guard("); found {
		text = above
	}
	return clip(text, maxStack)
}

// panicked records a panic, unless a node inside has recorded it.
func (t *Thread) panicked(ctx context.Context, name string, failure Error, stack Attribute) {
	t.mu.Lock()
	known := t.raised
	t.mu.Unlock()
	if known {
		return
	}
	err := t.Record(ctx, name, failure, stack)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raised = err == nil
}
