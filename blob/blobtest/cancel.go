package blobtest

import (
	"context"
	"errors"
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
	const key, size, rounds = "interrupted", 2 << 20, 12
	last := randomBody(0, size)
	mustPut(t, b, key, last, blob.Always())
	for round := range rounds {
		body := randomBody(uint64(round)+1, size)
		ctx, cancel := context.WithCancel(t.Context())
		started, result := make(chan struct{}), make(chan error, 1)
		go func() {
			close(started)
			_, err := b.Put(ctx, key, body, blob.Always())
			result <- err
		}()
		<-started
		for range round {
			// A look at the store lets the put come further in later rounds.
			_, _ = b.Head(t.Context(), key)
		}
		cancel()
		err := <-result
		object, readErr := b.Get(t.Context(), key)
		if readErr != nil {
			t.Fatalf("get after an interrupted put: %v", readErr)
		}
		isNew := blob.DigestOf(object.Body) == blob.DigestOf(body)
		isOld := blob.DigestOf(object.Body) == blob.DigestOf(last)
		if err == nil && !isNew || !isOld && !isNew {
			t.Fatalf("put ended with %v and left %d bytes that are neither old nor new", err, len(object.Body))
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted put: %v, want the context's error", err)
		}
		last = object.Body
	}
}
