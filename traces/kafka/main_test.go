package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/traces/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds a test's waits.
const deadline = 30 * time.Second

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// cluster starts a Kafka in the process and a log on it.
func cluster(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *kafka.Log) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, open(t, c.ListenAddrs()...)
}

func open(t *testing.T, brokers ...string) *kafka.Log {
	t.Helper()
	log, err := kafka.Open(kafka.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// client is for what a Log does not do.
func client(t *testing.T, c *kfake.Cluster) *kafkago.Client {
	t.Helper()
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(c.ListenAddrs()...), Transport: transport}
}

// produce writes one batch of n records with key, value and header.
func produce(t *testing.T, c *kfake.Cluster, topic string, partition, n int) {
	t.Helper()
	records := make([]kafkago.Record, n)
	for i := range records {
		records[i] = kafkago.Record{
			Key:     kafkago.NewBytes(fmt.Appendf(nil, "key %d", i)),
			Value:   kafkago.NewBytes(fmt.Appendf(nil, "value %d", i)),
			Headers: []kafkago.Header{{Key: "number", Value: fmt.Append(nil, i)}},
		}
	}
	resp, err := client(t, c).Produce(within(t, deadline), &kafkago.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
		Records: kafkago.NewRecordReader(records...), Compression: kafkago.Zstd,
	})
	if err != nil || resp.Error != nil {
		t.Fatal(err, resp)
	}
}
