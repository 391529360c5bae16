package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Ping asks a broker once whether it answers. Unlike Cluster, which may tell what
// was known a moment ago, it always asks.
func (l *Log) Ping(ctx context.Context) error {
	resp, err := l.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		l.forget()
		return fmt.Errorf("ask a broker: %w", err)
	}
	return nil
}
