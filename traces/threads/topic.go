package threads

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/traces"
)

// Topics are topics of a log as a source: what each partition holds when the
// reading begins, in the order of the offsets.
type Topics struct {
	Log   traces.Log
	Names []string
}

// Read hands over every record, a partition after the other.
func (s Topics) Read(ctx context.Context, to Sink) error {
	for _, name := range s.Names {
		bounds, err := s.Log.Bounds(ctx, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		topic := traces.Topic{Log: s.Log, Name: name}
		for p, b := range bounds {
			err := topic.Scan(ctx, p, b.First, b.End, func(r traces.Record) error {
				at := Place{Source: name, Partition: p, Offset: r.Offset}
				return to.Take(Message{Place: at, Body: r.Value})
			})
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	return nil
}
