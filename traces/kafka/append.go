package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Append implements traces.Log. A lost answer makes it write again, so the log
// may hold the value more than once; the offset is that of the last.
func (l *Log) Append(ctx context.Context, topic string, partition int, value []byte) (int64, error) {
	var offset int64
	err := l.again(ctx, func() error {
		resp, err := l.client.Produce(ctx, &kafka.ProduceRequest{
			Topic:        topic,
			Partition:    partition,
			RequiredAcks: kafka.RequireAll,
			Records:      kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes(value)}),
		})
		if err != nil {
			return err
		}
		offset = resp.BaseOffset
		return resp.Error
	})
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", at(topic, partition), err)
	}
	return offset, nil
}
