package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

func cancelledPutLeavesNothing(t *testing.T, b blob.Bucket) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, cond := range []blob.Condition{blob.Always(), blob.IfAbsent(), blob.IfMatch("x")} {
		if _, err := b.Put(ctx, "cancelled", []byte("x"), cond); !errors.Is(err, context.Canceled) {
			t.Fatalf("put %s under a cancelled context: %v, want its error", cond, err)
		}
	}
	if _, err := b.Get(ctx, "cancelled"); !errors.Is(err, context.Canceled) {
		t.Fatalf("get under a cancelled context: %v, want its error", err)
	}
	if _, err := b.Head(ctx, "cancelled"); !errors.Is(err, context.Canceled) {
		t.Fatalf("head under a cancelled context: %v, want its error", err)
	}
	if err := b.Delete(ctx, "cancelled"); !errors.Is(err, context.Canceled) {
		t.Fatalf("delete under a cancelled context: %v, want its error", err)
	}
	mustBeEmpty(t, b)
}

// interruptedPut cancels replacements while they are under way. Whatever the
// moment, the object is the old or the new one, and a reported success is new.
func interruptedPut(t *testing.T, b blob.Bucket) {
	t.Helper()
	const size, rounds = 2 << 20, 12
	first, second := randomBody(1, size), randomBody(2, size)
	for round := range rounds {
		key := fmt.Sprintf("interrupted/%d", round)
		mustPut(t, b, key, first, blob.Always())
		err := interrupt(t, func(ctx context.Context) error {
			_, err := b.Put(ctx, key, second, blob.Always())
			return err
		}, func() {
			// Each look at the store lets the put come a little further.
			for range round {
				_, _ = b.Head(t.Context(), key)
			}
		})
		object, readErr := b.Get(t.Context(), key)
		if readErr != nil {
			t.Fatalf("get after an interrupted put: %v", readErr)
		}
		isNew := bytes.Equal(object.Body, second)
		if err == nil && !isNew || !isNew && !bytes.Equal(object.Body, first) {
			t.Fatalf("put ended with %v and left %d bytes that are neither old nor new", err, len(object.Body))
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted put: %v, want the context's error", err)
		}
	}
}

// interrupt runs call and cancels its context once meanwhile has returned.
func interrupt(t *testing.T, call func(context.Context) error, meanwhile func()) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started, result := make(chan struct{}), make(chan error, 1)
	go func() {
		close(started)
		result <- call(ctx)
	}()
	<-started
	meanwhile()
	cancel()
	return <-result
}
