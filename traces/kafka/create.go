package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrPartitions says that a topic exists with another number of partitions.
var ErrPartitions = errors.New("topic has another number of partitions")

// Create implements traces.Log. The replication factor is the cluster's own.
func (l *Log) Create(ctx context.Context, topic string, partitions int, retention time.Duration) error {
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}
	if retention > 0 {
		config.ConfigEntries = []kafka.ConfigEntry{{
			ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(retention.Milliseconds(), 10),
		}}
	}
	err := l.again(ctx, func() error {
		resp, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
		if err != nil {
			return err
		}
		if err := resp.Errors[topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	// Looking up the bounds asks every partition's leader, so it returns once
	// each has one.
	bounds, err := l.Bounds(ctx, topic)
	if err != nil {
		return fmt.Errorf("wait for topic %s: %w", topic, err)
	}
	if len(bounds) != partitions {
		return fmt.Errorf("%w: %s has %d, the job wants %d; set traces.partitions to %d, or name another topic in traces.topic",
			ErrPartitions, topic, len(bounds), partitions, len(bounds))
	}
	return nil
}
