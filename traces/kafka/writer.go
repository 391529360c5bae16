package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces"
)

// What the records of a Writer come to.
var (
	// ErrClosed says that the writer was closed.
	ErrClosed = errors.New("closed")
	// ErrLate says that a record's time was over before the log had it.
	ErrLate = errors.New("not acknowledged in time")
)

// WriterConfig says what a Writer writes to. All of it is required.
type WriterConfig struct {
	Topic string
	// Partitions is how many the topic gets if it is not there. One that is there
	// keeps its own.
	Partitions int
	// Batch is how many bytes of records go to a partition at once.
	Batch int
}

// A Writer puts records into a topic for many at once: what comes for a partition
// while a request is under way is joined into the next. Records of one key go to
// one partition, as Kafka's own clients choose it; those without to any. It is
// safe for concurrent use.
type Writer struct {
	log    *Log
	config WriterConfig
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	busy   sync.WaitGroup

	mu        sync.Mutex   // guards what follows
	preparing *preparation // under way
	numbers   []int        // of the partitions; none is not known
	lanes     map[int]*lane
	turn      int // of records without a key
	closed    bool
}

// preparing is how long the topic is asked for before whoever waits is told that
// it is not there.
const preparing = 30 * time.Second

// A preparation is the asking for a topic.
type preparation struct {
	over chan struct{}
	err  error // once it is over
}

// Writer returns a writer to a topic. It asks for nothing until it is used; the
// caller must Close it.
func (l *Log) Writer(c WriterConfig) *Writer {
	w := &Writer{log: l, config: c, lanes: map[int]*lane{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Close gives up what is under way and returns when no goroutine is left.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	w.busy.Wait()
}

// Write hands over records, which must not be changed until done is called: once,
// with nil when all replicas in sync have all of them. Any other error may leave
// some in the log; traces.ErrTooLarge says that some of them it never takes. What
// is not written by until is given up with ErrLate.
func (w *Writer) Write(records []traces.Record, until time.Time, done func(error)) {
	ctx, cancel := context.WithDeadline(w.ctx, until)
	defer cancel()
	if err := w.await(ctx); err != nil {
		done(err)
		return
	}
	if len(records) == 0 {
		done(nil)
		return
	}
	if err := w.queue(records, &delivery{left: len(records), until: until, done: done}); err != nil {
		done(err)
	}
}

// queue puts records into the lanes of their partitions: all or, with an error,
// none.
func (w *Writer) queue(records []traces.Record, all *delivery) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if len(w.numbers) == 0 {
		return fmt.Errorf("topic %s: %w", w.config.Topic, traces.ErrGone)
	}
	some := make(map[int][]letter, len(w.numbers))
	for _, r := range records {
		number := w.choose(r.Key)
		some[number] = append(some[number], letter{record: r, delivery: all})
	}
	for number, letters := range some {
		if w.lanes[number] == nil {
			w.lanes[number] = newLane(w, number)
		}
		w.lanes[number].put(letters)
	}
	return nil
}

// choose is the partition of a record, as Kafka's clients choose it. mu is held.
func (w *Writer) choose(key []byte) int {
	if key == nil {
		w.turn++
		return w.numbers[w.turn%len(w.numbers)]
	}
	return kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: key}, w.numbers...)
}

// Prepare begins to ask for the topic, so that the first records find it there.
func (w *Writer) Prepare() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
}

// begin begins to ask for the topic, unless somebody does. mu is held.
func (w *Writer) begin() *preparation {
	if w.preparing == nil && !w.closed && len(w.numbers) == 0 {
		p := &preparation{over: make(chan struct{})}
		w.preparing = p
		w.busy.Go(func() { w.ask(p) })
	}
	return w.preparing
}

// await waits until the topic is known, or ctx ends.
func (w *Writer) await(ctx context.Context) error {
	w.mu.Lock()
	p := w.begin() //nolint:contextcheck // the asking outlives who waits for it; Close ends it
	w.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.over:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("prepare topic %s: %w", w.config.Topic, ErrLate)
	}
}

// ask learns the partitions of the topic, which it makes if there is none.
func (w *Writer) ask(p *preparation) {
	ctx, cancel := context.WithTimeout(w.ctx, preparing)
	defer cancel()
	bounds, err := w.log.Bounds(ctx, w.config.Topic)
	if errors.Is(err, traces.ErrGone) {
		if _, err = w.log.create(ctx, w.config.Topic, w.config.Partitions, 0); err == nil {
			bounds, err = w.log.Bounds(ctx, w.config.Topic)
		}
	}
	if err != nil {
		p.err = fmt.Errorf("prepare topic %s: %w", w.config.Topic, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for number := range bounds {
		w.numbers = append(w.numbers, number)
	}
	w.preparing = nil
	close(p.over)
}

// forget makes the next to write ask for the topic again: it may have been
// deleted, and made anew with other partitions.
func (w *Writer) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers = nil
}

// send writes one batch to a partition, again until ctx ends.
func (w *Writer) send(ctx context.Context, partition int, batch []letter) error {
	err := w.log.again(ctx, func() error {
		records := make([]kafka.Record, len(batch))
		for i, l := range batch {
			records[i] = kafka.Record{Value: kafka.NewBytes(l.record.Value)}
			if l.record.Key != nil {
				records[i].Key = kafka.NewBytes(l.record.Key)
			}
		}
		resp, err := w.log.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: w.config.Topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		})
		if err != nil {
			return err
		}
		return resp.Error
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafka.MessageSizeTooLarge):
		err = fmt.Errorf("%w: %w", traces.ErrTooLarge, err)
	case errors.Is(err, traces.ErrGone):
		w.forget()
	case w.ctx.Err() != nil:
		err = ErrClosed
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", ErrLate, err)
	}
	return fmt.Errorf("write to %s: %w", at(w.config.Topic, partition), err)
}
