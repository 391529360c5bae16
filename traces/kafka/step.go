package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// FetchOn is Fetch, and returns the offset to go on from: behind the last batch
// of the answer, whatever that holds, so what compaction took away and the
// markers of transactions are passed over. It is offset itself if the partition
// holds nothing from there on.
func (l *Log) FetchOn(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, int64, error) {
	var records []traces.Record
	next := offset
	err := l.again(ctx, func() error {
		a, err := l.ask(ctx, topic, partition, offset, maxBytes)
		if err != nil {
			return err
		}
		if code := kafka.Error(a.code); code == kafka.OffsetOutOfRange {
			return fmt.Errorf("%w: %w", traces.ErrGone, code)
		} else if code != 0 {
			return code
		}
		found := batches{partition: partition, offset: offset}
		if records, _, err = found.read(a.set); err != nil {
			return fmt.Errorf("read fetched records: %w", err)
		}
		next = max(offset, found.next)
		if n := len(records); n > 0 {
			next = max(next, records[n-1].Offset+1)
		}
		return nil
	})
	if err != nil {
		return nil, offset, fmt.Errorf("fetch %s from %d: %w", at(topic, partition), offset, err)
	}
	return records, next, nil
}

// Partitions is how many partitions the topic has, those without a leader too.
func (l *Log) Partitions(ctx context.Context, topic string) (n int, err error) {
	err = l.again(ctx, func() error {
		n, err = l.partitions(ctx, topic)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look up the partitions of %s: %w", topic, err)
	}
	return n, nil
}

// BoundsOf are the bounds of one partition, whatever becomes of the others.
func (l *Log) BoundsOf(ctx context.Context, topic string, partition int) (traces.Bounds, error) {
	var bounds traces.Bounds
	err := l.again(ctx, func() error {
		resp, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
			topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
		}})
		if err != nil {
			return err
		}
		for _, p := range resp.Topics[topic] {
			if p.Partition == partition {
				bounds = traces.Bounds{First: p.FirstOffset, End: p.LastOffset}
				return p.Error
			}
		}
		return fmt.Errorf("%w: no answer for the partition", kafka.Unknown)
	})
	if err != nil {
		return traces.Bounds{}, fmt.Errorf("look up the bounds of %s: %w", at(topic, partition), err)
	}
	return bounds, nil
}

// Fetched is how many bytes of records brokers have handed over so far.
func (l *Log) Fetched() int64 { return l.fetched.Load() }
