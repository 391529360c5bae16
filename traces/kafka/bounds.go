package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// Bounds implements traces.Log.
func (l *Log) Bounds(ctx context.Context, topic string) ([]traces.Bounds, error) {
	var bounds []traces.Bounds
	err := l.again(ctx, func() error {
		n, err := l.partitions(ctx, topic)
		if err != nil {
			return err
		}
		bounds = make([]traces.Bounds, n)
		return l.offsets(ctx, topic, bounds)
	})
	if err != nil {
		return nil, fmt.Errorf("look up the bounds of %s: %w", topic, err)
	}
	return bounds, nil
}

// partitions is how many partitions the topic has.
func (l *Log) partitions(ctx context.Context, topic string) (int, error) {
	resp, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range resp.Topics {
		if t.Name == topic {
			if t.Error != nil {
				return 0, t.Error
			}
			return len(t.Partitions), nil
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}

// offsets asks the leader of each partition.
func (l *Log) offsets(ctx context.Context, topic string, bounds []traces.Bounds) error {
	requests := make([]kafka.OffsetRequest, 0, 2*len(bounds))
	for p := range bounds {
		requests = append(requests, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	resp, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return err
	}
	answered := 0
	for _, p := range resp.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		if p.Partition >= 0 && p.Partition < len(bounds) {
			bounds[p.Partition] = traces.Bounds{First: p.FirstOffset, End: p.LastOffset}
			answered++
		}
	}
	if answered != len(bounds) {
		return fmt.Errorf("%w: %d of %d partitions answered", kafka.Unknown, answered, len(bounds))
	}
	return nil
}
