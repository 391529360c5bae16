package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// Delete removes a topic and everything in it. Removing what is not there is no
// error, so it is safe to repeat.
func (l *Log) Delete(ctx context.Context, topic string) error {
	err := l.again(ctx, func() error {
		resp, err := l.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		return resp.Errors[topic]
	})
	if err != nil && !errors.Is(err, traces.ErrGone) {
		return fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return nil
}
