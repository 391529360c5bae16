// Package importer writes the messages of any source to a topic, each
// acknowledged by all replicas, and accounts for every one.
package importer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Writer writes records to a partition, together. An error for which refused
// says so is that of a record, and final.
type Writer interface {
	Write(ctx context.Context, topic string, partition int, records []traces.Record) error
}

// Accounts say what became of the messages: Read = Acknowledged + Refused +
// SetAside, once Close has returned without an error.
type Accounts struct {
	Read         int64 `json:"read"`
	Acknowledged int64 `json:"acknowledged"`
	// Records is how many records the acknowledged messages are. One that is too
	// large for a record is cut by its traces.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Refused were not taken by the cluster, SetAside are no traces.
	Refused  int64 `json:"refused"`
	SetAside int64 `json:"set_aside"`
	// Named are the first of both, with their reasons.
	Named []threads.Aside `json:"named,omitempty"`
}

const (
	// batchBytes is about how many bytes are written together.
	batchBytes = 512 << 10
	// maxRecord is above what a message is cut by its traces, if it has several: a
	// broker takes 1 MB unless it is told otherwise.
	maxRecord = 900 << 10
	maxNamed  = 1000
)

// An Importer is a sink that writes to a topic. It is not safe for concurrent
// use.
type Importer struct {
	ctx     context.Context //nolint:containedctx // threads.Sink has none
	to      Writer
	topic   string
	refused func(error) bool
	limits  otlp.Limits
	codec   *telemetry.Codec
	batches []batch // by partition

	// Accounts are those so far.
	Accounts Accounts
}

// batch is what is written together.
type batch struct {
	records []traces.Record
	from    []*message
	bytes   int
}

// message is one message, as its records are written.
type message struct {
	at      threads.Place
	records int
	left    int
	bytes   int
	failed  error
}

// New writes to the partitions of a topic, under ctx. A frame goes to the
// partition of its thread, a request of OTLP to that of its first trace; refused
// says whether an error is the cluster's last word on a record.
func New(ctx context.Context, to Writer, topic string, partitions int, refused func(error) bool) (*Importer, error) {
	if partitions < 1 {
		return nil, fmt.Errorf("import into %s: it has %d partitions", topic, partitions)
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return nil, err
	}
	return &Importer{ctx: ctx, to: to, topic: topic, refused: refused, limits: otlp.DefaultLimits(), codec: codec, batches: make([]batch, partitions)}, nil
}

// Take implements threads.Sink.
func (i *Importer) Take(m threads.Message) error {
	i.Accounts.Read++
	if telemetry.IsFrame(m.Body) {
		var o telemetry.Outline
		if err := i.codec.Outline(m.Body, &o); err != nil {
			i.name(m.Place, err, &i.Accounts.SetAside)
			return nil
		}
		return i.add(m.Place, []traces.Record{{Key: key(o.Thread), Value: m.Body}})
	}
	pieces, refused, err := otlp.Split(m.Body, i.limits)
	if err != nil {
		i.name(m.Place, err, &i.Accounts.SetAside)
		return nil
	}
	if len(m.Body) <= maxRecord || len(pieces) < 2 || len(refused) > 0 {
		record := traces.Record{Value: m.Body}
		if len(pieces) > 0 && pieces[0].Trace != (otlp.TraceID{}) {
			record.Key = key(pieces[0].Trace.String())
		}
		return i.add(m.Place, []traces.Record{record})
	}
	records := make([]traces.Record, len(pieces))
	for n := range pieces {
		records[n] = traces.Record{Key: key(pieces[n].Trace.String()), Value: pieces[n].Body}
	}
	return i.add(m.Place, records)
}

// key is none for an event that belongs to no thread.
func key(id string) []byte {
	if id == "" {
		return nil
	}
	return []byte(id)
}

// Aside implements threads.Sink.
func (i *Importer) Aside(at threads.Place, reason error) {
	i.Accounts.Read++
	i.name(at, reason, &i.Accounts.SetAside)
}

func (i *Importer) name(at threads.Place, reason error, count *int64) {
	*count++
	if len(i.Accounts.Named) < maxNamed {
		i.Accounts.Named = append(i.Accounts.Named, threads.Aside{Place: at, Reason: reason.Error()})
	}
}

func (i *Importer) add(at threads.Place, records []traces.Record) error {
	m := &message{at: at, records: len(records), left: len(records)}
	for _, r := range records {
		sum := fnv.New32a()
		_, _ = sum.Write(r.Key) // It never fails.
		p := int(sum.Sum32()) % len(i.batches)
		b := &i.batches[p]
		b.records, b.from, b.bytes = append(b.records, r), append(b.from, m), b.bytes+len(r.Value)
		m.bytes += len(r.Value)
		if b.bytes >= batchBytes {
			if err := i.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes a batch; one that is refused is written again, record by record,
// so that only what the cluster does not take is refused.
func (i *Importer) flush(partition int) error {
	b := i.batches[partition]
	i.batches[partition] = batch{}
	if len(b.records) == 0 {
		return nil
	}
	err := i.to.Write(i.ctx, i.topic, partition, b.records)
	if err != nil && i.refused(err) && len(b.records) > 1 {
		for n := range b.records {
			err := i.to.Write(i.ctx, i.topic, partition, b.records[n:n+1])
			if err != nil && !i.refused(err) {
				return err
			}
			i.settle(b.from[n], err)
		}
		return nil
	}
	if err != nil && !i.refused(err) {
		return err
	}
	for n := range b.records {
		i.settle(b.from[n], err)
	}
	return nil
}

// settle books one record of a message.
func (i *Importer) settle(m *message, err error) {
	m.failed = errors.Join(m.failed, err)
	if m.left--; m.left > 0 {
		return
	}
	if m.failed != nil {
		i.name(m.at, m.failed, &i.Accounts.Refused)
		return
	}
	i.Accounts.Acknowledged++
	i.Accounts.Records += int64(m.records)
	i.Accounts.Bytes += int64(m.bytes)
}

// Close writes what is left.
func (i *Importer) Close() error {
	for p := range i.batches {
		if err := i.flush(p); err != nil {
			return err
		}
	}
	return nil
}
