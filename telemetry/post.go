package telemetry

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// post sends letters to the dead letters' topic, which it creates if it is
// missing.
func (s *sender) post(life context.Context, letters []DeadLetter) error {
	timeout := s.producer.config.RequestTimeout
	if s.topic.failing() { // a silent broker must not keep letters from the disk
		timeout = min(timeout, probeTimeout)
	}
	ctx, cancel := context.WithTimeout(life, timeout)
	defer cancel()
	if s.partitions == 0 {
		leaders, err := lookUp(ctx, s.letters, s.config.Brokers, s.config.Topic)
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			return errors.Join(err, s.create(ctx))
		}
		if err != nil {
			return err
		}
		s.partitions = len(leaders)
	}
	messages := make([]outside, len(letters))
	for i, l := range letters {
		messages[i] = outside{time: l.Time, key: l.Key, frame: l.Frame, headers: l.headers()}
	}
	at := place{brokers: s.config.Brokers, topic: s.config.Topic, partition: max(letters[0].Partition, 0) % s.partitions}
	err := appendTo(ctx, s.letters, at, messages)
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		s.partitions = 0
	}
	return err
}

// create creates the dead letters' topic.
func (s *sender) create(ctx context.Context) error {
	client := &kafka.Client{Addr: kafka.TCP(s.config.Brokers...), Transport: s.letters}
	response, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: s.config.Topic, NumPartitions: s.config.Partitions, ReplicationFactor: -1},
	}})
	if err == nil {
		err = response.Errors[s.config.Topic]
	}
	if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", s.config.Topic, err)
	}
	return nil
}
