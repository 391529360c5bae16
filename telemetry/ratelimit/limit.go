package ratelimit

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Errors of limiters.
var (
	// ErrLimited says that there are not as many tokens now; see [Limited].
	ErrLimited = errors.New("rate limit is reached")
	// ErrUnavailable says that the limiter could not be asked. Nothing is granted.
	ErrUnavailable = errors.New("rate limiter cannot be asked")
	// ErrInvalid says that a limit has no usable value, or that nobody can ever
	// be granted so many tokens at once.
	ErrInvalid = errors.New("invalid rate limit")
)

// Limited is the error of a request that has to wait. It is ErrLimited.
//
//nolint:errname // it reads as what it says
type Limited struct {
	Tenant string
	// RetryAfter is when there are enough tokens, if nobody else takes them.
	RetryAfter time.Duration
}

func (e *Limited) Error() string {
	return fmt.Sprintf("%v: tenant %q may try again in %s", ErrLimited, e.Tenant, e.RetryAfter)
}

// Is makes it ErrLimited.
func (e *Limited) Is(target error) bool { return target == ErrLimited }

// Limit is how much passes.
type Limit struct {
	// Rate is in tokens, which are events, per second.
	Rate float64
	// Burst is how many tokens pass at once after a pause.
	Burst int
}

// Bounds that keep every sum a whole number that Redis's Lua can count to.
const (
	minRate, maxRate = 1e-3, 1e7
	maxBurst         = 1_000_000_000
)

// Validate reports what is wrong with a limit.
func (l Limit) Validate() error {
	switch {
	case !(l.Rate >= minRate && l.Rate <= maxRate):
		return fmt.Errorf("%w: Rate is %v, allowed is %v to %v per second", ErrInvalid, l.Rate, minRate, maxRate)
	case l.Burst < 1 || l.Burst > maxBurst:
		return fmt.Errorf("%w: Burst is %d, allowed is 1 to %d", ErrInvalid, l.Burst, maxBurst)
	}
	return nil
}

// asks checks the number of tokens of a request.
func (l Limit) asks(n int) error {
	if n < 1 || n > l.Burst {
		return fmt.Errorf("%w: %d tokens at once, a burst of %d allows 1 to %d", ErrInvalid, n, l.Burst, l.Burst)
	}
	return nil
}

// fill is how long an empty bucket takes until it is full.
func (l Limit) fill() time.Duration {
	return time.Duration(math.Ceil(float64(l.Burst) / l.Rate * float64(time.Second)))
}
