package kafka_test

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An election: the old leader refuses until the client has looked again.
func TestLeaderChangeIsTriedAgain(t *testing.T) {
	t.Parallel()
	c, log := cluster(t, kfake.NumBrokers(3))
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		next := (c.LeaderFor("t", 0) + 1) % 3
		if err := c.MoveTopicPartition("t", 0, next); err != nil {
			t.Fatal(err)
		}
		offset, err := log.Append(ctx, "t", 0, []byte("x"))
		if err != nil || offset != int64(i) {
			t.Fatalf("offset %d, %v", offset, err)
		}
		if err := c.MoveTopicPartition("t", 0, (next+1)%3); err != nil {
			t.Fatal(err)
		}
		if records, err := log.Fetch(ctx, "t", 0, 0, 1<<20); err != nil || len(records) != i+1 {
			t.Fatalf("%d records, %v", len(records), err)
		}
	}
}

func TestTransientAnswersAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]*kerr.Error{
		"not leader":    kerr.NotLeaderForPartition,
		"no leader":     kerr.LeaderNotAvailable,
		"not enough":    kerr.NotEnoughReplicas,
		"unknown topic": kerr.UnknownTopicOrPartition,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, log := cluster(t)
			ctx := within(t, deadline)
			if err := log.Create(ctx, "t", 1, 0); err != nil {
				t.Fatal(err)
			}
			var refused atomic.Int32
			c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				if refused.Add(1) > 3 {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.ProduceResponse)
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.ErrorCode = code.Code
				topic := kmsg.NewProduceResponseTopic()
				topic.Topic = "t"
				topic.Partitions = append(topic.Partitions, partition)
				resp.Topics = append(resp.Topics, topic)
				return resp, nil, true
			})
			if offset, err := log.Append(ctx, "t", 0, []byte("x")); err != nil || offset != 0 {
				t.Fatalf("offset %d, %v", offset, err)
			}
			if refused.Load() != 4 {
				t.Fatalf("%d requests", refused.Load())
			}
		})
	}
}

// What can never succeed is not tried until the deadline.
func TestTooLargeIsFinal(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	ctx := within(t, deadline)
	if err := log.Create(ctx, "t", 1, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(ctx, "t", 0, make([]byte, 8<<20)); err == nil || ctx.Err() != nil {
		t.Fatalf("got %v", err)
	}
}
