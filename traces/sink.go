package traces

import (
	"context"
	"fmt"
)

// Keep takes a part for an assemble shard (0 where the plan has none), and owns
// it. Parts of a shard come in the order of their offsets.
type Keep func(ctx context.Context, assemble int, part []byte) error

const (
	// maxPart is when a part is full. With one more frame it stays below what
	// a blob may hold.
	maxPart = 32 << 20
	// maxHeld bounds the parts of one extraction that are not full yet.
	maxHeld = 64 << 20
)

// sink collects records into parts, one being filled per assemble shard.
type sink struct {
	partition int
	parts     [][]byte
	held      int
	keep      Keep
}

func newSink(partition, shards int, keep Keep) *sink {
	return &sink{partition: partition, parts: make([][]byte, shards), keep: keep}
}

func (s *sink) add(ctx context.Context, shard, place int, record Record) error {
	before := len(s.parts[shard])
	if before == 0 {
		s.parts[shard] = newPart(s.partition)
	}
	s.parts[shard] = appendFound(s.parts[shard], place, record.Offset, record.Value)
	s.held += len(s.parts[shard]) - before
	if len(s.parts[shard]) >= maxPart {
		return s.flush(ctx, shard)
	}
	for s.held >= maxHeld {
		if err := s.flush(ctx, s.largest()); err != nil {
			return err
		}
	}
	return nil
}

// largest is the shard with the most bytes held, the first of equals.
func (s *sink) largest() int {
	at := 0
	for i, part := range s.parts {
		if len(part) > len(s.parts[at]) {
			at = i
		}
	}
	return at
}

func (s *sink) flush(ctx context.Context, shard int) error {
	part := s.parts[shard]
	if len(part) == 0 {
		return nil
	}
	s.parts[shard] = nil
	s.held -= len(part)
	if err := s.keep(ctx, shard, part); err != nil {
		return fmt.Errorf("keep a part for assemble shard %d: %w", shard, err)
	}
	return nil
}

func (s *sink) flushAll(ctx context.Context) error {
	for shard := range s.parts {
		if err := s.flush(ctx, shard); err != nil {
			return err
		}
	}
	return nil
}
