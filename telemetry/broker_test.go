package telemetry_test

import (
	"context"
	"encoding/binary"
	"flag"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestMain(m *testing.M) {
	flag.Int("frames", 50_000, "random frames that are decoded")
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// number is the value of a flag.
func number(name string) int { return flag.Lookup(name).Value.(flag.Getter).Get().(int) }

const topic = "events"

// broker is a Kafka broker inside the test, on TCP.
type broker struct {
	*kfake.Cluster
	partitions int
	cut        atomic.Int32 // answers to produce requests to lose, with their connection
	open       atomic.Int32 // connections of clients
}

func startBroker(tb testing.TB, partitions int, options ...kfake.Opt) *broker {
	tb.Helper()
	b := &broker{partitions: partitions}
	listen := kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(tb.Context(), network, address)
		return &cutListener{Listener: l, broker: b}, err
	})
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(2), kfake.SeedTopics(int32(partitions), topic), listen)...)
	if err != nil {
		tb.Fatal(err)
	}
	b.Cluster = cluster
	tb.Cleanup(cluster.Close)
	return b
}

type cutListener struct {
	net.Listener
	broker *broker
}

func (l *cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.broker.open.Add(1)
	}
	return &cutConn{Conn: c, broker: l.broker}, err
}

// cutConn closes instead of writing the answer to a produce request.
type cutConn struct {
	net.Conn
	broker  *broker
	sized   bool
	produce atomic.Bool
	closed  sync.Once
}

func (c *cutConn) Close() error {
	c.closed.Do(func() { c.broker.open.Add(-1) })
	return c.Conn.Close()
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.sized && n >= 2 {
		c.produce.Store(binary.BigEndian.Uint16(p) == uint16(protocol.Produce))
	}
	c.sized = len(p) == 4 // the size of the next request
	return n, err
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.produce.Load() && c.broker.cut.Add(-1) >= 0 {
		return 0, c.Close()
	}
	return c.Conn.Write(p)
}

// message is a record as a reader finds it.
type message struct {
	key     string
	offset  int64
	headers []telemetry.Header
	origin  telemetry.Origin
	event   telemetry.Event
}

// readAll returns the messages of each partition in the order of the log.
func (b *broker) readAll(tb testing.TB) [][]message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.ListenAddrs()...), Transport: transport}
	codec := newCodec(tb, telemetry.DefaultLimits(), telemetry.None)
	all := make([][]message, b.partitions)
	for p := range all {
		offsets, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
			topic: {kafka.LastOffsetOf(p)},
		}})
		if err != nil {
			tb.Fatal(err)
		}
		end := offsets.Topics[topic][0].LastOffset
		for next := int64(0); next < end; next = all[p][len(all[p])-1].offset + 1 {
			response, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: p, Offset: next, MaxBytes: 8 << 20, MaxWait: time.Second})
			if err != nil || response.Error != nil {
				tb.Fatal(err, response.Error)
			}
			for {
				record, err := response.Records.ReadRecord()
				if err != nil {
					break // the end of the answer
				}
				if record.Offset >= next {
					all[p] = append(all[p], parse(tb, codec, record))
				}
			}
		}
	}
	return all
}

func parse(tb testing.TB, codec *telemetry.Codec, record *kafka.Record) message {
	tb.Helper()
	m := message{offset: record.Offset}
	if record.Key != nil {
		m.key = string(readBytes(tb, record.Key))
	}
	for _, h := range record.Headers {
		m.headers = append(m.headers, telemetry.Header{Key: h.Key, Value: h.Value})
	}
	var err error
	if m.origin, err = telemetry.ParseHeaders(m.headers, telemetry.DefaultLimits()); err != nil {
		tb.Fatal(err)
	}
	if m.event, err = codec.Decode(readBytes(tb, record.Value)); err != nil {
		tb.Fatal(err)
	}
	return m
}

func readBytes(tb testing.TB, b kafka.Bytes) []byte {
	tb.Helper()
	raw, err := protocol.ReadAll(b)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// newProducer starts a producer on the broker that a test closes itself, or
// that is closed after it.
func (b *broker) newProducer(tb testing.TB, change func(*telemetry.Config)) *telemetry.Producer {
	tb.Helper()
	config := telemetry.Config{Brokers: b.ListenAddrs(), Topic: topic}
	if change != nil {
		change(&config)
	}
	p, err := telemetry.NewProducer(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { mustClose(tb, p) })
	return p
}

// mustClose closes a producer whose failures, if any, the test has seen.
func mustClose(tb testing.TB, p *telemetry.Producer) telemetry.Accounts {
	tb.Helper()
	accounts, err := p.Close(deadline(tb, 10*time.Second))
	if err != nil {
		tb.Error("close:", err)
	}
	if !accounts.Balanced() || accounts.Queued != 0 {
		tb.Errorf("accounts do not add up after Close: %+v", accounts)
	}
	return accounts
}

// deadline returns a context that lasts no longer than d, nor than the test.
func deadline(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), d)
	tb.Cleanup(cancel)
	return ctx
}

func reward(thread string, index uint64) telemetry.Event {
	return telemetry.Event{Thread: thread, Index: index, Time: noon(), Name: "reward", Body: telemetry.Reward{Value: float64(index)}}
}
