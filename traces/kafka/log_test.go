package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

func TestAppendReturnsTheOffsetThatFetchFinds(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 2, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		value := fmt.Sprint(i)
		offset, err := log.Append(ctx, "t", 1, []byte(value))
		if err != nil || offset != int64(i) {
			t.Fatalf("offset %d, %v; want %d", offset, err, i)
		}
		records, err := log.Fetch(ctx, "t", 1, offset, 1)
		if err != nil || len(records) == 0 {
			t.Fatalf("%v, %v", records, err)
		}
		if r := records[0]; r.Offset != offset || r.Partition != 1 || string(r.Value) != value || r.Key != nil {
			t.Fatalf("got %+v", r)
		}
	}
	bounds, err := log.Bounds(ctx, "t")
	if want := []traces.Bounds{{}, {End: 3}}; err != nil || fmt.Sprint(bounds) != fmt.Sprint(want) {
		t.Fatalf("%v, %v; want %v", bounds, err, want)
	}
}

// A batch is returned whole, so a fetch from its middle begins too early on the
// wire.
func TestFetchBeginsAtTheOffsetAskedForInsideABatch(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "t", 0, 10)
	produce(t, c, "t", 0, 10)
	records, err := log.Fetch(ctx, "t", 0, 7, 1<<20)
	if err != nil || len(records) != 13 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, r := range records {
		n := (7 + i) % 10
		if r.Offset != int64(7+i) || string(r.Key) != fmt.Sprintf("key %d", n) || string(r.Value) != fmt.Sprintf("value %d", n) {
			t.Fatalf("record %d is %+v", i, r)
		}
		if len(r.Headers) != 1 || r.Headers[0].Key != "number" || string(r.Headers[0].Value) != fmt.Sprint(n) {
			t.Fatalf("headers of record %d are %v", i, r.Headers)
		}
	}
}

func TestFetchAtTheEndReturnsNothingSoon(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "t", 0, 5)
	records, err := log.Fetch(ctx, "t", 0, 5, 1<<20)
	if err != nil || len(records) != 0 {
		t.Fatalf("%v, %v", records, err)
	}
}

func TestWhatTheLogDoesNotHoldIsGone(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "t", 0, 10)
	other := client(t, c)
	if _, err := log.Fetch(ctx, "t", 0, 3, 100); err != nil {
		t.Fatal(err)
	}
	gone := func(what, topic string, partition int, offset int64) {
		t.Helper()
		if _, err := log.Fetch(ctx, topic, partition, offset, 100); !errors.Is(err, traces.ErrGone) {
			t.Errorf("%s: %v; want %v", what, err, traces.ErrGone)
		}
	}
	gone("an offset beyond the end", "t", 0, 11)
	gone("an unknown partition", "t", 7, 0)
	gone("an unknown topic", "nobody", 0, 0)
	if _, err := log.Bounds(ctx, "nobody"); !errors.Is(err, traces.ErrGone) {
		t.Errorf("bounds of an unknown topic: %v", err)
	}
	if _, err := other.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{"t"}}); err != nil {
		t.Fatal(err)
	}
	gone("a deleted topic", "t", 0, 3)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	gone("an offset of the topic before", "t", 0, 3)
}

func TestCreateAgainKeepsTheTopicAndAnotherNumberIsRefused(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	for range 2 {
		if err := log.Create(ctx, "t", 3, time.Hour); err != nil {
			t.Fatal(err)
		}
		produce(t, c, "t", 2, 1)
	}
	if bounds, err := log.Bounds(ctx, "t"); err != nil || len(bounds) != 3 || bounds[2].End != 2 {
		t.Fatalf("%v, %v", bounds, err)
	}
	err := log.Create(ctx, "t", 4, time.Hour)
	if !errors.Is(err, kafka.ErrSettings) || !strings.Contains(err.Error(), "traces.partitions to 3") {
		t.Fatalf("want the remedy, got %v", err)
	}
	configs, err := client(t, c).DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: "t", ConfigNames: []string{"retention.ms"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := configs.Resources[0].ConfigEntries[0].ConfigValue; got != "3600000" {
		t.Fatalf("retention.ms is %s", got)
	}
}

func TestTopicThatDropsEventsTooSoonIsRefused(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]struct {
		config kafkago.ConfigEntry
		want   []string // empty: the topic is fine
	}{
		"shorter":   {kafkago.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "60000"}, []string{"t keeps events for 1m0s, the job wants 1h0m0s", "retention.ms to 3600000 or more", "traces.retention to 1m0s"}},
		"equal":     {kafkago.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "3600000"}, nil},
		"longer":    {kafkago.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "7200000"}, nil},
		"for ever":  {kafkago.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "-1"}, nil},
		"compacted": {kafkago.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"}, []string{"cleanup.policy", "set it to delete", "traces.topic"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, log := cluster(t)
			ctx := within(t, deadline)
			resp, err := client(t, c).CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
				Topic: "t", NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: []kafkago.ConfigEntry{entry.config},
			}}})
			if err != nil || resp.Errors["t"] != nil {
				t.Fatal(err, resp)
			}
			err = log.Create(ctx, "t", 2, time.Hour)
			if len(entry.want) == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			for _, want := range entry.want {
				if !errors.Is(err, kafka.ErrSettings) || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want an error that says %q", err, want)
				}
			}
		})
	}
}

func TestNoBrokerIsAnErrorWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	c, _ := cluster(t)
	addrs := c.ListenAddrs()
	c.Close()
	log := open(t, addrs...)
	ctx := within(t, 300*time.Millisecond)
	_, err := log.Append(ctx, "t", 0, []byte("x"))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, traces.ErrGone) {
		t.Fatal(err)
	}
	if _, err := log.Fetch(ctx, "t", 0, 0, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
