package kafka_test

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/traces"
)

func franz(t *testing.T, c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// The end of a transaction takes an offset that holds no record.
func TestFetchSkipsTheMarkersOfTransactions(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	producer := franz(t, c, kgo.TransactionalID("x"), kgo.DefaultProduceTopic("t"))
	for range 2 {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(ctx, kgo.StringRecord("a")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	offset, err := log.Append(ctx, "t", 0, []byte("last"))
	if err != nil || offset != 4 {
		t.Fatalf("offset %d, %v", offset, err)
	}
	for from, want := range []int64{0, 2, 2, 4, 4} {
		records, err := log.Fetch(ctx, "t", 0, int64(from), 1)
		if err != nil || len(records) == 0 || records[0].Offset != want {
			t.Errorf("from %d: %+v, %v; want offset %d", from, records, err, want)
		}
	}
}

func TestDeletedOffsetsAreGone(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "t", 0, 10)
	produce(t, c, "t", 0, 10)
	deleteBefore(ctx, t, franz(t, c), "t", 12)
	if _, err := log.Fetch(ctx, "t", 0, 11, 1<<20); !errors.Is(err, traces.ErrGone) {
		t.Fatalf("got %v", err)
	}
	if records, err := log.Fetch(ctx, "t", 0, 12, 1<<20); err != nil || len(records) != 8 {
		t.Fatalf("%d records, %v", len(records), err)
	}
}

func deleteBefore(ctx context.Context, t *testing.T, client *kgo.Client, topic string, offset int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = offset
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	one.Partitions = append(one.Partitions, partition)
	req.Topics = append(req.Topics, one)
	req.TimeoutMillis = 5000
	resp, err := req.RequestWith(ctx, client)
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatal(err, resp)
	}
}
