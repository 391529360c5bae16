package kafka_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/traces"
)

func TestDeletedTopicIsGoneAndMayBeDeletedAgain(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	ctx := within(t, deadline)
	for _, topic := range []string{"gone", "kept"} {
		if err := log.Create(ctx, topic, 2, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := log.Delete(ctx, "gone"); err != nil {
			t.Fatal(err)
		}
	}
	if bounds, err := log.Bounds(ctx, "gone"); !errors.Is(err, traces.ErrGone) {
		t.Errorf("the deleted topic has the bounds %v (%v)", bounds, err)
	}
	if bounds, err := log.Bounds(ctx, "kept"); err != nil || len(bounds) != 2 {
		t.Errorf("the other topic has the bounds %v (%v)", bounds, err)
	}
}
