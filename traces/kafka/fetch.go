package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

const (
	// maxWait is how long a broker waits for a first record at the end of a
	// partition.
	maxWait = 100 * time.Millisecond
	// maxHoles is how many offsets in a row may have been compacted away, or
	// hold a transaction's marker, before Fetch gives up.
	maxHoles = 10_000
)

// Fetch implements traces.Log. It reads uncommitted records too: what an agent
// was acknowledged counts.
func (l *Log) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	var records []traces.Record
	holes := int64(0)
	err := l.again(ctx, func() error {
		for ; holes < maxHoles; holes++ {
			var skip bool
			var err error
			if records, skip, err = l.fetch(ctx, topic, partition, offset+holes, maxBytes); err != nil || !skip {
				return err
			}
		}
		return fmt.Errorf("%w: %d offsets from %d hold no record", traces.ErrGone, maxHoles, offset)
	})
	if err != nil {
		return nil, fmt.Errorf("fetch %s from %d: %w", at(topic, partition), offset, err)
	}
	return records, nil
}

// fetch asks once. Skip says that something lies at the offset that is no
// record, so that the next offset is to be asked for.
func (l *Log) fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (records []traces.Record, skip bool, err error) {
	a, err := l.ask(ctx, topic, partition, offset, maxBytes)
	if err != nil {
		return nil, false, err
	}
	if code := kafka.Error(a.code); code == kafka.OffsetOutOfRange {
		return nil, false, fmt.Errorf("%w: %w", traces.ErrGone, code)
	} else if code != 0 {
		return nil, false, code
	}
	found := batches{partition: partition, offset: offset}
	records, answered, err := found.read(a.set)
	if err != nil {
		return nil, false, fmt.Errorf("read fetched records: %w", err)
	}
	return records, len(records) == 0 && answered && offset < a.high, nil
}

// readAll copies the records at or after offset. A response begins where its
// first batch does, which may be earlier. About maxBytes were asked for.
func readAll(reader kafka.RecordReader, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	var records []traces.Record
	memory := arena{size: min(maxBytes, arenaBytes)}
	var headers []traces.Header
	for {
		record, err := reader.ReadRecord()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if record.Offset < offset {
			release(record)
			continue
		}
		r := traces.Record{Partition: partition, Offset: record.Offset}
		if r.Key, err = memory.copy(record.Key); err == nil {
			r.Value, err = memory.copy(record.Value)
		}
		release(record)
		if err != nil {
			return nil, err
		}
		if len(record.Headers) > 0 {
			from := len(headers)
			for _, h := range record.Headers {
				headers = append(headers, traces.Header{Key: h.Key, Value: h.Value})
			}
			r.Headers = headers[from:len(headers):len(headers)]
		}
		records = append(records, r)
	}
}

func release(r *kafka.Record) {
	if r.Key != nil {
		r.Key.Close()
	}
	if r.Value != nil {
		r.Value.Close()
	}
}

// arenaBytes is how much memory the small copies of a response share, at most.
const arenaBytes = 256 << 10

// arena hands out memory for many small copies.
type arena struct {
	size int // of what is allocated at once, unless a copy is larger
	free []byte
}

func (a *arena) copy(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	n := b.Len()
	if n > len(a.free) || a.free == nil {
		a.free = make([]byte, max(n, a.size))
	}
	dst := a.free[:n:n]
	a.free = a.free[n:]
	if _, err := io.ReadFull(b, dst); err != nil {
		return nil, err
	}
	return dst, nil
}
