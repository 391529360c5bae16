package kafka_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/traces"
)

// Batches are read in place unless they are compressed: both ways say the same.
func TestRecordsAreTheSameHoweverTheyAreStored(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	ctx := within(t, deadline)
	written := make([]*kgo.Record, 300)
	var want []traces.Record
	for i := range written {
		r := &kgo.Record{Value: bytes.Repeat([]byte{byte(i)}, i)}
		switch i % 4 {
		case 0:
			r.Key = []byte("k")
		case 1:
			r.Headers = []kgo.RecordHeader{{Key: "a", Value: fmt.Append(nil, i)}, {Key: "empty", Value: []byte{}}, {Key: "a", Value: []byte("twice")}}
		case 2:
			r.Value, r.Headers = nil, []kgo.RecordHeader{{Key: fmt.Sprint("key ", i), Value: []byte("v")}}
		}
		written[i] = r
		w := traces.Record{Offset: int64(i), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			w.Headers = append(w.Headers, traces.Header{Key: h.Key, Value: h.Value})
		}
		want = append(want, w)
	}
	for name, codec := range map[string]kgo.CompressionCodec{"plain": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression()} {
		if err := log.Create(ctx, name, 1, 0); err != nil {
			t.Fatal(err)
		}
		producer := franz(t, c, kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(codec))
		for at := 0; at < len(written); at += 100 {
			batch := make([]*kgo.Record, 100)
			for i, r := range written[at : at+100] {
				batch[i] = &kgo.Record{Key: r.Key, Value: r.Value, Headers: r.Headers}
			}
			if err := producer.ProduceSync(ctx, batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		var got []traces.Record
		for len(got) < len(want) {
			from := int64(len(got))
			records, err := log.Fetch(ctx, name, 0, from, 10_000)
			if err != nil || len(records) == 0 || records[0].Offset != from {
				t.Fatalf("%s from %d: %d records, %v", name, from, len(records), err)
			}
			got = append(got, records[:min(len(records), 37)]...) // begins in the middle of a batch next
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("%s: record %d is %+v, want %+v", name, i, got[i], want[i])
			}
		}
	}
}

// What a disk or a network has changed is an error, and no record.
func TestBatchesThatAreNotWhatTheySayAreRefused(t *testing.T) {
	t.Parallel()
	batch := kmsg.RecordBatch{
		Length: 49 + 8, Magic: 2, NumRecords: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		Records: []byte{14, 0, 0, 0, 1, 1, 0, 0}, // one record with neither key, value nor headers
	}
	for name, change := range map[string]func([]byte) []byte{
		"checksum": func(b []byte) []byte { return b },
		"size":     func(b []byte) []byte { b[11] = 3; return b },
	} {
		c, log := cluster(t)
		ctx := within(t, deadline)
		if err := log.Create(ctx, "t", 1, 0); err != nil {
			t.Fatal(err)
		}
		c.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			response := r.ResponseKind().(*kmsg.FetchResponse)
			topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
			topic.Topic, partition.HighWatermark = "t", 1
			partition.RecordBatches = change(batch.AppendTo(nil))
			topic.Partitions = append(topic.Partitions, partition)
			response.Topics = append(response.Topics, topic)
			return response, nil, true
		})
		records, err := log.Fetch(within(t, 3*time.Second), "t", 0, 0, 1<<20)
		if err == nil || len(records) > 0 || !strings.Contains(err.Error(), "corrupt batch") {
			t.Errorf("%s: %d records, %v", name, len(records), err)
		}
	}
}
