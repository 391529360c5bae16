package kafka_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// writerTo is a writer to the topic t, of four partitions if it makes it.
func writerTo(t *testing.T, log *kafka.Log) *kafka.Writer {
	t.Helper()
	w := log.Writer(kafka.WriterConfig{Topic: "t", Partitions: 4, Batch: 10_000})
	t.Cleanup(w.Close)
	return w
}

// written waits for what becomes of records.
func written(w *kafka.Writer, until time.Time, records ...traces.Record) error {
	done := make(chan error, 1)
	w.Write(records, until, func(err error) { done <- err })
	return <-done
}

func soon() time.Time { return time.Now().Add(deadline) }

func TestWriterMakesItsTopicAndKeepsAKeyInKafkasPartition(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	w := writerTo(t, log)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			key := fmt.Appendf(nil, "key %d", i%10)
			if err := written(w, soon(), traces.Record{Key: key, Value: fmt.Append(nil, i)}, traces.Record{Value: fmt.Append(nil, i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ctx := within(t, deadline)
	bounds, err := log.Bounds(ctx, "t")
	if err != nil || len(bounds) != 4 {
		t.Fatalf("%d partitions, %v", len(bounds), err)
	}
	balancer, total := kafkago.Murmur2Balancer{Consistent: true}, 0
	for p, b := range bounds {
		err := (traces.Topic{Log: log, Name: "t"}).Scan(ctx, p, b.First, b.End, func(r traces.Record) error {
			total++
			if r.Key != nil && balancer.Balance(kafkago.Message{Key: r.Key}, 0, 1, 2, 3) != p {
				t.Errorf("%s is in partition %d", r.Key, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != 80 {
		t.Errorf("%d records", total)
	}
}

// refuseSeveral makes a cluster refuse batches of more than one record, and those
// of more than 500 bytes.
func refuseSeveral(c *kfake.Cluster) {
	const most = 500
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		request, ok := r.(*kmsg.ProduceRequest)
		if !ok || len(request.Topics) != 1 {
			return nil, nil, false
		}
		partition := request.Topics[0].Partitions[0]
		var batch kmsg.RecordBatch
		if batch.ReadFrom(partition.Records) != nil || (batch.NumRecords == 1 && len(partition.Records) <= most) {
			return nil, nil, false //nolint:nilerr // a batch that it takes
		}
		answer, ok := request.ResponseKind().(*kmsg.ProduceResponse)
		if !ok {
			return nil, nil, false
		}
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = request.Topics[0].Topic, request.Topics[0].TopicID
		refused := kmsg.NewProduceResponseTopicPartition()
		refused.Partition, refused.ErrorCode = partition.Partition, kerr.MessageTooLarge.Code
		topic.Partitions = append(topic.Partitions, refused)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
}

func TestWriterSendsApartWhatTheTopicTakesNotAtOnce(t *testing.T) {
	t.Parallel()
	c, log := cluster(t, kfake.SeedTopics(1, "t"))
	refuseSeveral(c)
	w := writerTo(t, log)
	small := traces.Record{Value: make([]byte, 100)}
	if err := written(w, soon(), small, small, small); err != nil {
		t.Error(err)
	}
	err := written(w, soon(), small, traces.Record{Value: make([]byte, 600)}, small)
	if !errors.Is(err, traces.ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
	bounds, err := log.Bounds(within(t, deadline), "t")
	if err != nil || bounds[0].End != 5 {
		t.Errorf("%v, %v", bounds, err)
	}
}

func TestWriterFindsATopicThatWasDeleted(t *testing.T) {
	t.Parallel()
	_, log := cluster(t)
	w := writerTo(t, log)
	if err := written(w, soon(), traces.Record{Value: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if err := log.Delete(within(t, deadline), "t"); err != nil {
		t.Fatal(err)
	}
	for until := soon(); ; {
		err := written(w, until, traces.Record{Value: []byte("2")})
		if err == nil {
			break
		}
		if !errors.Is(err, traces.ErrGone) {
			t.Fatal(err)
		}
	}
}

func TestWriterGivesUpInTimeAndWhenItIsClosed(t *testing.T) {
	t.Parallel()
	c, log := cluster(t, kfake.SeedTopics(1, "t"))
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, errors.New("away"), true
	})
	w := writerTo(t, log)
	if err := written(w, time.Now().Add(200*time.Millisecond), traces.Record{Value: []byte("1")}); !errors.Is(err, kafka.ErrLate) {
		t.Errorf("the error is %v", err)
	}
	done := make(chan error, 1)
	w.Write([]traces.Record{{Value: []byte("2")}}, soon(), func(err error) { done <- err })
	w.Close()
	if err := <-done; !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("when it is closed, the error is %v", err)
	}
	if err := written(w, soon(), traces.Record{Value: []byte("3")}); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("once it is closed, the error is %v", err)
	}
}
