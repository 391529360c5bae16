package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// The settings of a topic that decide how long it keeps a record.
const (
	retentionMS   = "retention.ms"
	cleanupPolicy = "cleanup.policy"
)

// settings are those of a topic, by name. A server may leave some out.
type settings map[string]string

// settings looks the settings of a topic up.
func (l *Log) settings(ctx context.Context, topic string) (settings, error) {
	found := settings{}
	err := l.again(ctx, func() error {
		resp, err := l.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{retentionMS, cleanupPolicy},
		}}})
		if err != nil {
			return err
		}
		for _, r := range resp.Resources {
			if r.Error != nil {
				return r.Error
			}
			for _, e := range r.ConfigEntries {
				found[e.ConfigName] = e.ConfigValue
			}
		}
		return nil
	})
	if errors.Is(err, kafka.TopicAuthorizationFailed) || errors.Is(err, kafka.ClusterAuthorizationFailed) {
		err = fmt.Errorf("%w; let the coordinator's user describe the settings of the topic", err)
	}
	return found, err
}

// check refuses a topic that may drop a record before it is as old as retention
// (0: any age will do).
func (s settings) check(topic string, retention time.Duration) error {
	if strings.Contains(s[cleanupPolicy], "compact") {
		return fmt.Errorf("%w: %s has %s %q, which drops events; set it to delete, or name another topic in traces.topic",
			ErrSettings, topic, cleanupPolicy, s[cleanupPolicy])
	}
	text, told := s[retentionMS]
	if !told || retention <= 0 {
		return nil
	}
	kept, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("topic %s: %s is %q, which is no number", topic, retentionMS, text)
	}
	if wanted := retention.Milliseconds(); kept >= 0 && kept < wanted {
		return fmt.Errorf("%w: %s keeps events for %s, the job wants %s; set the topic's %s to %d or more, or traces.retention to %s",
			ErrSettings, topic, time.Duration(kept)*time.Millisecond, retention, retentionMS, wanted, time.Duration(kept)*time.Millisecond)
	}
	return nil
}
