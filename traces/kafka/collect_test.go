package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

const partitions = 3

// round is a collection of four rollouts, whose events lie in a real topic
// between markers.
type round struct {
	cluster    *kfake.Cluster
	log        *kafka.Log
	topic      traces.Topic
	collection traces.Collection
	ranges     []job.Range
}

// collected appends opening markers, every event of four threads twice with
// poison in between, spread over the partitions, and closing markers.
func collected(ctx context.Context, t *testing.T) *round {
	t.Helper()
	c, log := cluster(t)
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	plan := &job.Plan{Unit: job.Unit{Job: "j", Step: 1}, Tasks: []int{0, 1}, Rollouts: 2}
	r := &round{
		cluster: c, log: log,
		topic:      traces.Topic{Log: log, Codec: codec, Name: "t"},
		collection: traces.Collection{Plan: plan},
	}
	if err := log.Create(ctx, "t", partitions, 0); err != nil {
		t.Fatal(err)
	}
	opening := r.mark(ctx, t)
	var records [partitions][]kafkago.Record
	for place := range plan.Planned() {
		group, rollout := plan.At(place)
		e := job.Execution{Group: group, Rollout: rollout, Nonce: fmt.Sprint("n", place), Events: 10}
		thread := plan.Unit.ThreadID(group, rollout, e.Nonce)
		for i := range e.Events {
			var body telemetry.Body = telemetry.ToolCall{Tool: "hammer", Output: make([]byte, 1000)}
			if i == e.Events-1 {
				body = telemetry.End{Events: e.Events}
			}
			frame, err := codec.Encode(telemetry.Event{Thread: thread, Index: i, Time: time.Unix(1, 0), Body: body})
			if err != nil {
				t.Fatal(err)
			}
			p := (place + int(i)) % partitions
			for range 2 {
				records[p] = append(records[p], kafkago.Record{Key: kafkago.NewBytes([]byte(thread)), Value: kafkago.NewBytes(frame)})
			}
			records[p] = append(records[p], kafkago.Record{Key: kafkago.NewBytes([]byte(thread)), Value: kafkago.NewBytes(frame[:len(frame)/2])})
		}
		r.collection.Executions = append(r.collection.Executions, e)
	}
	for p := range records {
		resp, err := client(t, c).Produce(ctx, &kafkago.ProduceRequest{
			Topic: "t", Partition: p, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records[p]...),
		})
		if err != nil || resp.Error != nil {
			t.Fatal(err, resp)
		}
	}
	for p, closing := range r.mark(ctx, t) {
		r.ranges = append(r.ranges, job.Range{Opening: opening[p], Closing: closing})
	}
	return r
}

func (r *round) mark(ctx context.Context, t *testing.T) []job.Mark {
	t.Helper()
	n := 0
	marks, err := r.topic.AppendMarkers(ctx, "j", partitions, time.Now(), func() string { n++; return fmt.Sprint("m", n) })
	if err != nil {
		t.Fatal(err)
	}
	return marks
}

func TestEverythingBetweenTheMarkersIsCollected(t *testing.T) {
	t.Parallel()
	ctx := within(t, deadline)
	r := collected(ctx, t)
	parts, found, err := r.topic.ExtractAll(ctx, r.collection, r.ranges)
	if err != nil || len(found.Losses) > 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	if c := found.Counts; c.Records != 120 || c.Foreign+c.Superseded+c.Quarantined != 0 {
		t.Fatalf("counts %+v", c)
	}
	all, err := traces.Assemble(r.topic.Codec, traces.Assembly{
		Collection: r.collection, To: 4, Spent: func(int, int) bool { return false },
	}, parts)
	if err != nil || len(all.Losses) > 0 {
		t.Fatalf("%+v, %v", all.Losses, err)
	}
	if c := all.Counts; c.Events != 40 || c.Duplicates != 40 || c.Quarantined != 40 {
		t.Fatalf("counts %+v", c)
	}
	for i, o := range all.Outcomes {
		if o.Reason != "" || o.Events != 10 || len(all.Traces[i].Events) != 10 {
			t.Errorf("outcome %+v", o)
		}
	}
}

func TestRetentionUnderTheRangeIsALoss(t *testing.T) {
	t.Parallel()
	ctx := within(t, deadline)
	r := collected(ctx, t)
	deleteBefore(ctx, t, franz(t, r.cluster), "t", r.ranges[0].Opening.Offset+5)
	_, found, err := r.topic.ExtractAll(ctx, r.collection, r.ranges)
	if err != nil || len(found.Losses) != 1 || found.Losses[0].Kind != job.LostMarker || found.Losses[0].Partition != 0 {
		t.Fatalf("%+v, %v", found.Losses, err)
	}
}

// The markers' offsets exist again, but others lie there.
func TestRecreatedTopicIsALoss(t *testing.T) {
	t.Parallel()
	ctx := within(t, deadline)
	r := collected(ctx, t)
	if _, err := client(t, r.cluster).DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{"t"}}); err != nil {
		t.Fatal(err)
	}
	lost := func() int {
		t.Helper()
		_, found, err := r.topic.ExtractAll(ctx, r.collection, r.ranges)
		if err != nil {
			t.Fatal(err)
		}
		return len(found.Losses)
	}
	if n := lost(); n != 2*partitions {
		t.Fatalf("%d losses in a topic that is not there", n)
	}
	if err := r.log.Create(ctx, "t", partitions, 0); err != nil {
		t.Fatal(err)
	}
	if n := lost(); n != 2*partitions {
		t.Fatalf("%d losses in an empty topic", n)
	}
	for p := range partitions {
		produce(t, r.cluster, "t", p, 100)
	}
	if n := lost(); n != 2*partitions {
		t.Fatalf("%d losses in another topic of the name", n)
	}
}

func TestIdleTopicHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	ctx := within(t, deadline)
	r := collected(ctx, t)
	closing := r.ranges[1].Closing.Offset
	for _, beyond := range []int64{1, 50} { // at the end of the log, and after it
		r.ranges[1].Closing.Offset = closing + beyond
		_, found, err := r.topic.ExtractAll(ctx, r.collection, r.ranges)
		if err != nil || len(found.Losses) != 1 || found.Losses[0].Partition != 1 {
			t.Fatalf("%+v, %v", found.Losses, err)
		}
	}
}

func TestUnreachableBrokerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	ctx := within(t, deadline)
	r := collected(ctx, t)
	r.cluster.Close()
	ctx = within(t, 200*time.Millisecond)
	if _, _, err := r.topic.ExtractAll(ctx, r.collection, r.ranges); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
