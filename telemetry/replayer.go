package telemetry

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// Replayer sends dead letters back to the log, under the sequence of their
// events and marked as replayed. A reader accepts each event once, so it is
// safe to repeat. It is not safe for concurrent use.
type Replayer struct {
	brokers     []string
	connections *connections
	transport   *kafka.Transport
}

// NewReplayer returns a replayer to the cluster of the log; nil TLS and SASL
// leave connections plain. It does not dial. The caller must Close it.
func NewReplayer(brokers []string, secured *tls.Config, login sasl.Mechanism) *Replayer {
	r := &Replayer{brokers: brokers, connections: newConnections()}
	r.transport = &kafka.Transport{
		Dial: r.connections.dial, MetadataTTL: metadataTTL, ClientID: "cohort-replay", TLS: secured, SASL: login,
	}
	return r
}

// replayBatch bounds the bytes of events that are sent at once.
const replayBatch = 512 << 10

// Replay sends letters, each to the topic and partition where it belongs, in
// their order, and returns how many of the first of them all replicas in sync
// have. What passes is tried again until ctx ends; an error of the log that
// does not is returned. Letters must be Replayable.
func (r *Replayer) Replay(ctx context.Context, letters []DeadLetter) (sent int, err error) {
	pause := backoff{first: 100 * time.Millisecond, last: 2 * time.Second}
	most := len(letters)
	for sent < len(letters) {
		run := runFrom(letters[sent:], most)
		if !run[0].Replayable() {
			return sent, fmt.Errorf("replay: %w: it has no place in the log", ErrNoDeadLetter)
		}
		asked, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := appendTo(asked, r.transport, place{brokers: r.brokers, topic: run[0].Topic, partition: run[0].Partition}, replays(run))
		cancel()
		switch verdict := judge(err); {
		case err == nil:
			sent += len(run)
			pause.succeed()
			continue
		case verdict == halve && len(run) > 1:
			most = len(run) / 2
			continue
		case verdict == halve, verdict == refuse:
			return sent, fmt.Errorf("replay: %w", err)
		}
		pause.fail(time.Now(), err)
		timer := time.NewTimer(time.Until(pause.again))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return sent, fmt.Errorf("replay: %w, before it: %w", ctx.Err(), err)
		}
	}
	return sent, nil
}

// runFrom returns the first letters that go to the same place, at most most.
func runFrom(letters []DeadLetter, most int) []DeadLetter {
	n, size := 1, len(letters[0].Frame)
	for n < min(len(letters), most) && letters[n].Topic == letters[0].Topic && letters[n].Partition == letters[0].Partition {
		if size += len(letters[n].Frame); size > replayBatch {
			break
		}
		n++
	}
	return letters[:n]
}

// Close ends the connections.
func (r *Replayer) Close() {
	r.connections.close()
	r.transport.CloseIdleConnections()
}
