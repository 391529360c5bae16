package profile

import (
	"context"
	"time"

	"github.com/cohort-rl/cohort/traces"
)

// toKafka is the class of requests to the log.
const toKafka = "kafka"

// Log is l, whose requests are taken down as those of who.
func (r *Recorder) Log(who string, l traces.Log) traces.Log { return &recordedLog{l, r, who} }

type recordedLog struct {
	traces.Log
	to  *Recorder
	who string
}

func (l *recordedLog) Create(ctx context.Context, topic string, partitions int, retention time.Duration) (err error) {
	defer func(began time.Time) { l.to.note(l.who, "create", toKafka, began, err) }(time.Now())
	return l.Log.Create(ctx, topic, partitions, retention)
}

func (l *recordedLog) Bounds(ctx context.Context, topic string) (b []traces.Bounds, err error) {
	defer func(began time.Time) { l.to.note(l.who, "bounds", toKafka, began, err) }(time.Now())
	return l.Log.Bounds(ctx, topic)
}

func (l *recordedLog) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (r []traces.Record, err error) {
	defer func(began time.Time) { l.to.note(l.who, "fetch", toKafka, began, err) }(time.Now())
	return l.Log.Fetch(ctx, topic, partition, offset, maxBytes)
}

func (l *recordedLog) Append(ctx context.Context, topic string, partition int, value []byte) (offset int64, err error) {
	defer func(began time.Time) { l.to.note(l.who, "append", toKafka, began, err) }(time.Now())
	return l.Log.Append(ctx, topic, partition, value)
}
