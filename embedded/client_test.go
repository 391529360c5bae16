package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/embedded"
)

const topic = "rollouts"

func startKafka(t *testing.T, dir string) *embedded.Kafka {
	t.Helper()
	broker, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

// client returns a client of the broker whose connections end with the test.
func client(t *testing.T, broker *embedded.Kafka) *kafka.Client {
	t.Helper()
	c, closeIdle := newClient(broker)
	t.Cleanup(closeIdle)
	return c
}

func newClient(broker *embedded.Kafka) (*kafka.Client, func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{
		Addr:      kafka.TCP(broker.Addr()),
		Timeout:   10 * time.Second,
		Transport: transport,
	}, transport.CloseIdleConnections
}

func createTopic(ctx context.Context, c *kafka.Client, partitions int) error {
	answer, err := c.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

// produce appends one record that every replica acknowledged and returns its offset.
func produce(ctx context.Context, c *kafka.Client, partition int, value string) (int64, error) {
	answer, err := c.Produce(ctx, &kafka.ProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		Records:      kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte(value))}),
	})
	if err != nil {
		return 0, err
	}
	return answer.BaseOffset, answer.Error
}

// values reads the first n records of a partition.
func values(ctx context.Context, c *kafka.Client, partition, n int) ([]string, error) {
	var got []string
	for len(got) < n {
		answer, err := c.Fetch(ctx, &kafka.FetchRequest{
			Topic: topic, Partition: partition, Offset: int64(len(got)),
			MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second,
		})
		if err != nil {
			return got, err
		}
		if answer.Error != nil {
			return got, answer.Error
		}
		before := len(got)
		if got, err = appendValues(got, answer.Records); err != nil {
			return got, err
		}
		if len(got) == before {
			return got, fmt.Errorf("partition %d ends at %d", partition, before)
		}
	}
	return got, nil
}

func appendValues(to []string, records kafka.RecordReader) ([]string, error) {
	for {
		record, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return to, nil
		}
		if err != nil {
			return to, err
		}
		if record.Offset < int64(len(to)) {
			continue
		}
		value, err := kafka.ReadAll(record.Value)
		if err != nil {
			return to, err
		}
		to = append(to, string(value))
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if !net.ParseIP(host).IsLoopback() {
		t.Fatalf("%s is not on loopback", addr)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
