package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// ErrRefused says that a cluster does not take a message, however often it is
// sent: it is too large, or not of a form that the topic takes.
var ErrRefused = errors.New("kafka refuses the message")

// Write writes records with their keys, values and headers, together, and
// returns once all replicas in sync have them. A failed Write may have written,
// and one that succeeded may have written twice.
func (l *Log) Write(ctx context.Context, topic string, partition int, records []traces.Record) error {
	err := l.again(ctx, func() error {
		all := make([]kafka.Record, len(records))
		for i, r := range records {
			if r.Key != nil {
				all[i].Key = kafka.NewBytes(r.Key)
			}
			all[i].Value = kafka.NewBytes(r.Value)
			for _, h := range r.Headers {
				all[i].Headers = append(all[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
			}
		}
		resp, err := l.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(all...),
		})
		if err != nil {
			return err
		}
		for _, code := range []kafka.Error{kafka.MessageSizeTooLarge, kafka.InvalidRecord} {
			if errors.Is(resp.Error, code) {
				return fmt.Errorf("%w: %w", ErrRefused, code)
			}
		}
		return resp.Error
	})
	if err != nil {
		return fmt.Errorf("write %d records to %s: %w", len(records), at(topic, partition), err)
	}
	return nil
}
