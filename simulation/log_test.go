package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/traces"
)

// log is the model of Kafka.
type log struct {
	topics map[string][]partition
	luck   *numerics.Stream
	held   map[mark]*traces.Record // of a run with a mutation
}

// partition holds records from offset first on.
type partition struct {
	first   int64
	records []traces.Record
}

func (p *partition) end() int64 { return p.first + int64(len(p.records)) }

func (l *log) append(topic string, n int, key, value []byte) (int64, error) {
	parts := l.topics[topic]
	if n >= len(parts) {
		return 0, fmt.Errorf("append to %s/%d: %w", topic, n, traces.ErrGone)
	}
	p := &parts[n]
	offset := p.end()
	p.records = append(p.records, traces.Record{Partition: n, Offset: offset, Key: key, Value: bytes.Clone(value)})
	return offset, nil
}

func (l *log) fetch(topic string, n int, offset int64) ([]traces.Record, error) {
	parts := l.topics[topic]
	if n >= len(parts) || offset < parts[n].first || offset > parts[n].end() {
		return nil, fmt.Errorf("fetch %s/%d from %d: %w", topic, n, offset, traces.ErrGone)
	}
	found := parts[n].records[offset-parts[n].first:]
	found = found[:min(len(found), 1+l.luck.IntN(8))]
	return append([]traces.Record(nil), found...), nil
}

// cut is retention: the oldest records of a partition go.
func (l *log) cut(topic string, n int) {
	p := &l.topics[topic][n]
	gone := l.luck.IntN(len(p.records) + 1)
	p.first += int64(gone)
	p.records = p.records[gone:]
}

// unclean is an election that loses the newest records of a partition.
func (l *log) unclean(topic string, n int) (end int64) {
	p := &l.topics[topic][n]
	p.records = p.records[:len(p.records)-min(len(p.records), 1+l.luck.IntN(6))]
	return p.end()
}

// recreate deletes a topic and makes it again.
func (l *log) recreate(topic string) { l.topics[topic] = make([]partition, len(l.topics[topic])) }

// reader is the log as a process sees it.
type reader struct {
	*world
	by *process
}

func (r reader) Create(ctx context.Context, topic string, partitions int, _ time.Duration) (err error) {
	c := &call{by: r.by, kind: logRead, label: "create " + "topic"}
	c.effect = func() {
		if _, ok := r.log.topics[topic]; !ok {
			r.log.topics[topic] = make([]partition, partitions)
		}
		if n := len(r.log.topics[topic]); n != partitions {
			err = fmt.Errorf("topic %s has %d partitions", topic, n)
		}
	}
	if gone := r.perform(ctx, c); gone != nil {
		return gone
	}
	return err
}

func (r reader) Bounds(ctx context.Context, topic string) (bounds []traces.Bounds, err error) {
	c := &call{by: r.by, kind: logRead, label: "bounds"}
	c.effect = func() {
		for i := range r.log.topics[topic] {
			p := &r.log.topics[topic][i]
			bounds = append(bounds, traces.Bounds{First: p.first, End: p.end()})
		}
	}
	if gone := r.perform(ctx, c); gone != nil {
		return nil, gone
	}
	return bounds, err
}

func (r reader) Fetch(ctx context.Context, topic string, n int, offset int64, _ int) (found []traces.Record, err error) {
	c := &call{by: r.by, kind: logRead, label: fmt.Sprintf("fetch %d from %d", n, offset)}
	c.effect = func() { found, err = r.log.fetch(topic, n, offset) }
	if gone := r.perform(ctx, c); gone != nil {
		return nil, gone
	}
	return found, err
}

func (r reader) Append(ctx context.Context, topic string, n int, value []byte) (offset int64, err error) {
	c := &call{by: r.by, kind: logAppend, label: fmt.Sprintf("append to %d", n)}
	c.effect = func() { offset, err = r.log.append(topic, n, nil, value) }
	if gone := r.perform(ctx, c); gone != nil {
		return 0, gone
	}
	return offset, err
}
