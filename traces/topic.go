package traces

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// A Topic is one topic of a log, whose values are frames of the codec.
type Topic struct {
	Log   Log
	Codec *telemetry.Codec
	Name  string
}

// ErrSilent says that a log answers and claims to hold a record, but does not
// hand it over, for as long as silence.
var ErrSilent = errors.New("log hands over nothing")

const (
	// looks is how often a log must say that it does not reach an offset.
	looks      = 5
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
	// silence is how long a log may claim to hold a record and not hand it over.
	// A broker that has just come back may, and so does every log that grew over
	// the offset between the two questions.
	silence = 30 * time.Second
)

// fetch returns at least one record with an offset >= offset, at an offset that
// somebody was told exists. It returns ErrGone when the log does not reach that
// far or begins later, and waits a few fetches for that; ErrSilent takes silence.
func (t Topic) fetch(ctx context.Context, partition int, offset int64, maxBytes int) ([]Record, error) {
	waited := time.Duration(0)
	for n, wait := 1, firstPause; ; n, wait = n+1, min(2*wait, lastPause) {
		records, err := t.Log.Fetch(ctx, t.Name, partition, offset, maxBytes)
		if err != nil {
			return nil, fmt.Errorf("fetch %s/%d from %d: %w", t.Name, partition, offset, err)
		}
		for len(records) > 0 && records[0].Offset < offset {
			records = records[1:]
		}
		if len(records) > 0 {
			return records, nil
		}
		all, err := t.Log.Bounds(ctx, t.Name)
		if err != nil {
			return nil, fmt.Errorf("look up the bounds of %s: %w", t.Name, err)
		}
		if partition >= len(all) {
			return nil, fmt.Errorf("fetch %s/%d: %w: the topic has %d partitions", t.Name, partition, ErrGone, len(all))
		}
		bounds := all[partition]
		gone := offset < bounds.First || offset >= bounds.End
		switch {
		case gone && n >= looks:
			return nil, fmt.Errorf("fetch %s/%d from %d: %w: the log holds [%d, %d)",
				t.Name, partition, offset, ErrGone, bounds.First, bounds.End)
		case !gone && waited >= silence:
			return nil, fmt.Errorf("fetch %s/%d from %d: %w, %d times in a row; it claims to hold [%d, %d)",
				t.Name, partition, offset, ErrSilent, n, bounds.First, bounds.End)
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		waited += wait
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
