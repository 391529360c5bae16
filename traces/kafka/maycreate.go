package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// firstLook is how long MayCreate waits at first, which is what it takes.
const firstLook = time.Second

// MayCreate asks whether a topic could be created, and creates none.
func (l *Log) MayCreate(ctx context.Context, topic string, partitions int) error {
	request := &kafka.CreateTopicsRequest{
		Topics:       []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}},
		ValidateOnly: true,
	}
	// The client has the answer, and then waits until its time is over for a
	// topic that never comes. Without an answer there is an error.
	for wait := firstLook; ; wait *= 2 {
		look, cancel := context.WithTimeout(ctx, wait)
		resp, err := l.client.CreateTopics(look, request)
		cancel()
		if err == nil {
			err = resp.Errors[topic]
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return fmt.Errorf("ask whether topic %s may be created: %w", topic, err)
		}
	}
}
