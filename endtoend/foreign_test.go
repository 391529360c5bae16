package endtoend_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/agent"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// sendNotNumber records a thread whose reward is no number, which the Go
// library refuses to: as an agent in another language would, that writes frames
// itself and does not know where they came to lie.
func sendNotNumber(ctx context.Context, r agent.Request) (agent.Answer, error) {
	events := []*telemetrypb.Event{
		{Name: "start", Body: &telemetrypb.Event_Start{Start: &telemetrypb.Start{Task: "choose"}}},
		{Name: "reward", Body: &telemetrypb.Event_Reward{Reward: &telemetrypb.Reward{Value: math.NaN()}}},
		{Name: "end", Body: &telemetrypb.Event_End{End: &telemetrypb.End{Events: 3}}},
	}
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		e.Thread, e.Index, e.TimeUnixNano = r.Thread, uint64(i), time.Now().UnixNano()
		payload, err := proto.Marshal(e)
		if err != nil {
			return agent.Answer{}, err
		}
		messages[i] = kafka.Message{Key: []byte(r.Thread), Value: frame(payload)}
	}
	w := &kafka.Writer{Addr: kafka.TCP(r.Traces.Brokers...), Topic: r.Traces.Topic, BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
	if err := w.WriteMessages(ctx, messages...); err != nil {
		return agent.Answer{}, fmt.Errorf("%w: %w", agent.ErrUnavailable, err)
	}
	return agent.Answer{Events: uint64(len(events))}, w.Close()
}

// frame wraps an event, uncompressed.
func frame(payload []byte) []byte {
	f := append(make([]byte, 20), payload...)
	copy(f, "CHRT\x01")
	binary.LittleEndian.PutUint32(f[8:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(f[12:], uint32(len(payload)))
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(f[16:], crc32.Update(crc32.Checksum(f[:16], table), table, payload))
	return f
}
