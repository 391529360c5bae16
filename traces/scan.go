package traces

import "context"

// Scan hands the records of a partition from offset from up to, but without,
// until to take, once each and in order. until is at most the partition's end.
// It returns ErrGone when the log no longer holds what was asked for, and the
// first error of take.
func (t Topic) Scan(ctx context.Context, partition int, from, until int64, take func(Record) error) error {
	for next := from; next < until; {
		records, err := t.fetch(ctx, partition, next, fetchBytes)
		if err != nil {
			return err
		}
		for _, record := range records {
			if record.Offset >= until {
				break
			}
			if err := take(record); err != nil {
				return err
			}
		}
		next = records[len(records)-1].Offset + 1
	}
	return nil
}
