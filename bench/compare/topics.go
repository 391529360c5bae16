package compare

import (
	"context"
	"errors"
	"time"

	"github.com/cohort-rl/cohort/traces/kafka"
)

// Topics are those that one run of a benchmark makes.
type Topics struct {
	Log *kafka.Log
	// Run begins their names.
	Run        string
	Partitions int

	made []string
}

// Create makes a topic of the run and returns its whole name.
func (t *Topics) Create(ctx context.Context, name string) (string, error) {
	topic := t.Run + "-" + name
	t.made = append(t.made, topic)
	return topic, t.Log.Create(ctx, topic, t.Partitions, time.Hour)
}

// Delete deletes the topics, also when ctx has ended.
func (t *Topics) Delete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var failures []error
	for _, topic := range t.made {
		failures = append(failures, t.Log.Delete(ctx, topic))
	}
	return errors.Join(failures...)
}
