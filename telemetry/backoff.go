package telemetry

import "time"

// backoff follows something that fails: when it may be tried again, and since
// when it has failed.
type backoff struct {
	first, last time.Duration // pauses: doubled from the first to the last
	failures    int
	began       time.Time // of the failures in a row
	again       time.Time
	err         error // the last one
}

func (b *backoff) fail(now time.Time, err error) {
	if b.failures == 0 {
		b.began = now
	}
	b.again = now.Add(min(b.first<<min(b.failures, 16), b.last))
	b.failures++
	b.err = err
}

func (b *backoff) succeed() {
	b.failures, b.again, b.err = 0, time.Time{}, nil
}

func (b *backoff) failing() bool { return b.failures > 0 }

// wait is how long from now it is not to be tried.
func (b *backoff) wait(now time.Time) time.Duration { return b.again.Sub(now) }

// since is how long it has failed.
func (b *backoff) since(now time.Time) time.Duration {
	if b.failures == 0 {
		return 0
	}
	return now.Sub(b.began)
}
