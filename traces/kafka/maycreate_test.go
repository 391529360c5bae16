package kafka_test

import (
	"errors"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

func TestWhoMayCreateATopicCreatesNoneByAsking(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.MayCreate(ctx, "asked", 2); err != nil {
		t.Error(err)
	}
	if err := log.Create(ctx, "there", 1, 0); err != nil {
		t.Fatal(err)
	}
	if err := log.MayCreate(ctx, "there", 2); !errors.Is(err, kafkago.TopicAlreadyExists) {
		t.Errorf("a topic that is there: %v", err)
	}
	if bounds, err := log.Bounds(ctx, "asked"); !errors.Is(err, traces.ErrGone) {
		t.Errorf("there is a topic now: %v (%v)", bounds, err)
	}
}
