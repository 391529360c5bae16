package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// ErrSettings says that a topic exists with settings that a job cannot use.
var ErrSettings = errors.New("topic cannot be used")

// Create implements traces.Log. The replication factor is the cluster's own. A
// topic that exists must have the number of partitions, and keep every record
// as long as is asked for; else the error is ErrSettings and names the remedy.
func (l *Log) Create(ctx context.Context, topic string, partitions int, retention time.Duration) error {
	existed, err := l.create(ctx, topic, partitions, retention)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	// Looking up the bounds asks every partition's leader, so it returns once
	// each has one.
	bounds, err := l.Bounds(ctx, topic)
	if err != nil {
		return fmt.Errorf("wait for topic %s: %w", topic, err)
	}
	if !existed && len(bounds) == partitions {
		return nil
	}
	return l.check(ctx, topic, bounds, partitions, retention)
}

// Check says whether a topic that is there can be used as Create would make it:
// ErrSettings names what is wrong and the remedy, traces.ErrGone says that there
// is none. It changes nothing.
func (l *Log) Check(ctx context.Context, topic string, partitions int, retention time.Duration) error {
	bounds, err := l.Bounds(ctx, topic)
	if err != nil {
		return err
	}
	return l.check(ctx, topic, bounds, partitions, retention)
}

func (l *Log) check(ctx context.Context, topic string, bounds []traces.Bounds, partitions int, retention time.Duration) error {
	if len(bounds) != partitions {
		return fmt.Errorf("%w: %s has %d partitions, the job wants %d; set traces.partitions to %d, or name another topic in traces.topic",
			ErrSettings, topic, len(bounds), partitions, len(bounds))
	}
	settings, err := l.settings(ctx, topic)
	if err != nil {
		return fmt.Errorf("look up the settings of topic %s: %w", topic, err)
	}
	return settings.check(topic, retention)
}

// create asks for the topic and says whether it was there.
func (l *Log) create(ctx context.Context, topic string, partitions int, retention time.Duration) (existed bool, err error) {
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}
	if retention > 0 {
		config.ConfigEntries = []kafka.ConfigEntry{{
			ConfigName: retentionMS, ConfigValue: strconv.FormatInt(retention.Milliseconds(), 10),
		}}
	}
	err = l.again(ctx, func() error {
		resp, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
		if err != nil {
			return err
		}
		err = resp.Errors[topic]
		if existed = errors.Is(err, kafka.TopicAlreadyExists); existed {
			return nil
		}
		return err
	})
	return existed, err
}
