package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// outside is a message that is sent outside of a producer's order.
type outside struct {
	time    time.Time
	key     string
	frame   []byte
	headers []Header
}

// place is where messages go.
type place struct {
	brokers   []string
	topic     string
	partition int
}

// appendTo appends messages to one partition and returns once all replicas in
// sync have them. After an error the log may have them or not.
func appendTo(ctx context.Context, transport *kafka.Transport, at place, messages []outside) error {
	records := make([]protocol.Record, len(messages))
	for i, m := range messages {
		records[i] = protocol.Record{Time: m.time, Value: protocol.NewBytes(m.frame)}
		for _, h := range m.headers {
			records[i].Headers = append(records[i].Headers, protocol.Header{Key: h.Key, Value: h.Value})
		}
		if m.key != "" {
			records[i].Key = protocol.NewBytes([]byte(m.key))
		}
	}
	timeout := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		timeout = time.Until(end)
	}
	response, err := transport.RoundTrip(ctx, kafka.TCP(at.brokers...), &produce.Request{
		Acks:    int16(kafka.RequireAll),
		Timeout: int32(min(timeout, time.Minute).Milliseconds()),
		Topics: []produce.RequestTopic{{Topic: at.topic, Partitions: []produce.RequestPartition{{
			Partition: int32(at.partition), //nolint:gosec // a partition
			RecordSet: protocol.RecordSet{Records: protocol.NewRecordReader(records...)},
		}}}},
	})
	if err != nil {
		return fmt.Errorf("produce to %s/%d: %w", at.topic, at.partition, err)
	}
	answer, ok := response.(*produce.Response)
	if !ok {
		return fmt.Errorf("produce to %s/%d: broker answered with %T", at.topic, at.partition, response)
	}
	return find(answer, at.topic, at.partition).err
}

// lookUp returns the leader of each of a topic's partitions, from the
// transport's metadata, which is at most metadataTTL old.
func lookUp(ctx context.Context, transport *kafka.Transport, brokers []string, topic string) ([]int32, error) {
	response, err := transport.RoundTrip(ctx, kafka.TCP(brokers...), &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	answer, ok := response.(*metadata.Response)
	if !ok || len(answer.Topics) != 1 {
		return nil, fmt.Errorf("look up topic %s: the broker's answer has no such topic", topic)
	}
	found := answer.Topics[0]
	if found.ErrorCode != 0 {
		return nil, fmt.Errorf("look up topic %s: %w", topic, kafka.Error(found.ErrorCode))
	}
	leaders := make([]int32, len(found.Partitions))
	for i, part := range found.Partitions {
		if int(part.PartitionIndex) != i { // the transport sorts them
			return nil, fmt.Errorf("look up topic %s: partition %d is missing", topic, i)
		}
		leaders[i] = part.LeaderID
	}
	if len(leaders) == 0 {
		return nil, fmt.Errorf("look up topic %s: no partitions", topic)
	}
	return leaders, nil
}
