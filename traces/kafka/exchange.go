package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// maxAnswer bounds the answer to a fetch: a broker hands over at least one batch,
// however large, so it may be more than was asked for.
const maxAnswer = 1 << 28

// errAnswer says that an answer is not what the protocol says.
var errAnswer = errors.New("malformed answer to a fetch")

// answer is what a broker says to a fetch of one partition.
type answer struct {
	code int16  // of the error; 0 is none
	high int64  // watermark
	set  []byte // the batches of records, with their size of four bytes before them
}

// ApiKey implements protocol.Message.
func (*answer) ApiKey() protocol.ApiKey { return protocol.Fetch } //nolint:revive // kafka-go's name

// question is a fetch of one partition whose answer is read whole, into memory
// of its own, so that records need not be copied out of it.
type question struct {
	fetch.Request
	version int16
}

// Required implements protocol.RawExchanger: always.
func (q *question) Required(versions map[protocol.ApiKey]int16) bool {
	q.version = versions[protocol.Fetch]
	return true
}

// correlation is the number of every question: a connection has one at a time.
const correlation = 1

// RawExchange implements protocol.RawExchanger.
func (q *question) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, q.version, correlation, clientID, &q.Request); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxAnswer {
		return nil, fmt.Errorf("%w: it has %d bytes", errAnswer, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(rw, b); err != nil {
		return nil, err
	}
	return q.read(b)
}

// read takes an answer apart, in the version of the question.
func (q *question) read(b []byte) (*answer, error) {
	r, a := reader{b: b}, &answer{}
	if id := r.int32(); id != correlation {
		return nil, fmt.Errorf("%w: it is to question %d", errAnswer, id)
	}
	if q.version >= 1 {
		r.skip(4) // throttled for so long
	}
	if q.version >= 7 {
		a.code = r.int16()
		r.skip(4) // session
	}
	if a.code != 0 {
		return a, nil
	}
	topics := r.int32()
	r.skip(int(r.int16())) // its name
	if partitions := r.int32(); !r.bad && (topics != 1 || partitions != 1) {
		return nil, fmt.Errorf("%w: %d topics, %d partitions", errAnswer, topics, partitions)
	}
	r.skip(4) // its number
	a.code = r.int16()
	a.high = r.int64()
	if q.version >= 4 {
		r.skip(8) // last stable offset
	}
	if q.version >= 5 {
		r.skip(8) // where the log starts
	}
	if q.version >= 4 {
		r.skip(16 * int(max(r.int32(), 0))) // aborted transactions
	}
	if q.version >= 11 {
		r.skip(4) // preferred replica
	}
	a.set = r.b
	if n := r.int32(); n > 0 {
		r.skip(int(n))
	}
	if r.bad {
		return nil, fmt.Errorf("%w: it ends early", errAnswer)
	}
	a.set = a.set[:len(a.set)-len(r.b)]
	return a, nil
}

// ask sends a fetch of one partition.
func (l *Log) ask(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := l.transport.RoundTrip(ctx, l.client.Addr, &question{Request: fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(maxWait.Milliseconds()), MinBytes: 1, MaxBytes: int32(maxBytes), //nolint:gosec // some MiB
		SessionID: -1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(partition), CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: int32(maxBytes), //nolint:gosec // likewise
		}}}},
	}})
	if err != nil {
		return nil, err
	}
	a, ok := response.(*answer)
	if !ok {
		return nil, fmt.Errorf("%w: it is a %T", errAnswer, response)
	}
	l.fetched.Add(int64(len(a.set)))
	return a, nil
}
