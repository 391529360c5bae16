package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/cohort-rl/cohort/traces"
)

const (
	firstBackOff = 20 * time.Millisecond
	lastBackOff  = time.Second
	// patience is how long requests fail before it is said: brokers learn of a new
	// topic or leader at different times.
	patience = 2 * time.Second
	// unknownLooks is how often in a row a cluster must say that it does not
	// know a topic or partition, before it is gone: brokers learn of a new one
	// at different times.
	unknownLooks = 5
)

// again calls f until it succeeds, fails for good, or ctx ends. The error then
// is the context's and the last of f.
func (l *Log) again(ctx context.Context, f func() error) error {
	began, unknown := time.Now(), 0
	for wait := firstBackOff; ; wait = min(2*wait, lastBackOff) {
		err := f()
		if err == nil {
			l.outage.answered()
			return nil
		}
		if l.unknownTopic(ctx, err) {
			unknown++
		} else {
			unknown = 0
		}
		switch {
		case unknown == unknownLooks:
			return fmt.Errorf("%w: %w", traces.ErrGone, err)
		case ctx.Err() != nil:
			return stopped(ctx, err)
		case !transient(err):
			return err
		}
		l.forget()
		l.outage.failed(err, time.Since(began) >= patience)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return stopped(ctx, err)
		}
	}
}

// stopped tells both why there were no more attempts and what the last said.
func stopped(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if errors.Is(last, cause) {
		return last
	}
	return fmt.Errorf("%w; the last attempt: %w", cause, last)
}

// transient reports whether the same request may succeed later. Whatever kept
// an answer away is, and answers are that Kafka calls so.
func transient(err error) bool {
	if errors.Is(err, traces.ErrGone) {
		return false
	}
	if code, ok := errors.AsType[kafka.Error](err); ok {
		// The client turns what it cannot tell into the code "unknown".
		// A broker that goes down in the middle of a login looks like a refusal;
		// whoever started has been let in before.
		return code.Temporary() || code == kafka.Unknown || code == kafka.BrokerNotAvailable ||
			code == kafka.ReplicaNotAvailable || code == kafka.SASLAuthenticationFailed
	}
	return true
}

// unknownTopic says whether the cluster does not know the topic or partition. The
// client says so too when it could not ask, so a broker must answer beside it.
func (l *Log) unknownTopic(ctx context.Context, err error) bool {
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return true
	}
	return (errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)) && l.Ping(ctx) == nil
}
