package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/index"
	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesIndexCommand struct {
	tracesFrom
	Store  string `env:"COHORT_STORE" context:"store" placeholder:"URL" help:"Object store that takes the index: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what an index is good for.
func (tracesIndexCommand) Help() string {
	return "Reads a topic once and keeps where each thread lies, as a blob index/TOPIC/... in the store. With --index URL, `cohort traces show` then reads only what holds the thread. " +
		"An index is held against the log before it is used: if the topic was made again, or retention or compaction took records away, it is refused, the reason is said, and the topic is read whole."
}

// Validate names the first flag that does not go with the others.
func (c *tracesIndexCommand) Validate() error {
	if c.Store == "" {
		return errors.New("--store is not set: name the store that takes the index, as file:///DIR or s3://BUCKET/PREFIX?endpoint=URL")
	}
	c.Index = c.Store
	return c.tracesFrom.Validate()
}

// indexed is what is printed of an index.
type indexed struct {
	Key     string          `json:"key"`
	Bytes   int             `json:"bytes"`
	Topic   string          `json:"topic"`
	Ranges  []collect.Range `json:"ranges"`
	Threads int             `json:"threads"`
	Records int64           `json:"records"`
	// RangeBytes are those of the messages in the ranges.
	RangeBytes int64 `json:"range_bytes"`
}

// Run makes the index and says where it is.
func (c *tracesIndexCommand) Run(ctx context.Context, s *streams) error {
	var made indexed
	c.made = func(key string, bytes int, x *index.Index) {
		made = indexed{key, bytes, x.Topic, x.Ranges, len(x.Threads()), x.Records, x.Bytes}
	}
	report, err := c.each(ctx, s, c.options(), func(*collect.Found) error { return nil })
	if err != nil {
		return err
	}
	if err := whole(&report); err != nil {
		return errors.Join(err, errors.New("so there is no index"))
	}
	return c.print(s.out, made)
}

func (c *tracesIndexCommand) print(out io.Writer, x indexed) error {
	if c.Output == "json" {
		return printJSON(out, x)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "index\t%s\n", x.Key)
	fmt.Fprintf(&text, "topic\t%s, %d partitions\n", x.Topic, len(x.Ranges))
	fmt.Fprintf(&text, "threads\t%d, in %d messages of %d bytes\n", x.Threads, x.Records, x.RangeBytes)
	fmt.Fprintf(&text, "size\t%d bytes\n", x.Bytes)
	fmt.Fprintf(&text, "use it\tcohort traces show THREAD --from %s --index %s\n", c.From, c.Store)
	return printTable(out, text.String())
}

// indexing makes the index of a topic while it is read for another purpose.
type indexing struct {
	builder *index.Builder
	on      bool
}

func (f *tracesFrom) indexing() *indexing { return &indexing{on: f.Index != ""} }

// around fixes the ranges of a topic before it is read.
func (i *indexing) around(read func(context.Context, threads.Source) error) func(context.Context, threads.Source) error {
	return func(ctx context.Context, source threads.Source) error {
		topic, ok := source.(collect.Topic)
		if !ok || !i.on {
			return read(ctx, source)
		}
		bounds, err := topic.Log.Bounds(ctx, topic.Name)
		if err != nil {
			return err
		}
		topic.Ranges = make([]collect.Range, len(bounds))
		for p, b := range bounds {
			topic.Ranges[p] = collect.Range{Partition: p, From: b.First, Until: b.End}
		}
		i.builder = index.NewBuilder(topic.Name, topic.Ranges)
		return read(ctx, topic)
	}
}

func (i *indexing) add(f *collect.Found) error {
	if i.builder == nil {
		return nil
	}
	return i.builder.Add(f)
}

// save stores the index of a range that was read whole.
func (i *indexing) save(ctx context.Context, s *streams, f *tracesFrom, report *collect.Report) error {
	if i.builder == nil || !report.Whole() {
		return nil
	}
	bucket, err := makeStore(ctx, f.Index, f.StoreAccess)
	if err != nil {
		return err
	}
	x := i.builder.Index()
	key, bytes, err := x.Save(ctx, bucket)
	if err != nil {
		return err
	}
	if f.made != nil {
		f.made(key, bytes, x)
		return nil
	}
	fmt.Fprintf(s.err, "index: %s, %d bytes for %d threads\n", key, bytes, len(x.Threads()))
	return nil
}

// indexed reads the threads whose ids are matched by the index of the topic, and
// what came since it was made. It says so on the way if there is no index that
// can be used; found is false then, or if no thread of the index matches.
func (f *tracesFrom) indexed(ctx context.Context, s *streams, matches func(id string) bool) (all []threads.Thread, report collect.Report, found bool, err error) {
	if f.Index == "" {
		return nil, report, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	topic := strings.TrimPrefix(f.From, topicPrefix)
	bucket, err := makeStore(ctx, f.Index, f.StoreAccess)
	if err != nil {
		return nil, report, false, err
	}
	x, _, err := index.Load(ctx, bucket, topic)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, report, false, nil
	}
	if err == nil {
		all, report, err = f.byIndex(ctx, s, x, matches)
	}
	if index.Unusable(err) {
		fmt.Fprintf(s.err, "index refused, the topic is read whole: %s\n", printable(err.Error()))
		return nil, report, false, nil
	}
	return all, report, len(all) > 0, err
}

// byIndex reads what an index says, once it has been held against the log.
func (f *tracesFrom) byIndex(ctx context.Context, s *streams, x *index.Index, matches func(id string) bool) (all []threads.Thread, report collect.Report, err error) {
	log, err := openLog(ctx, f.Kafka, f.KafkaSecurity)
	if err != nil {
		return nil, report, err
	}
	defer log.Close()
	if err := x.Verify(ctx, log); err != nil {
		return nil, report, err
	}
	var ids []string
	for _, id := range x.Threads() {
		if matches(id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, report, nil
	}
	since, err := x.Since(ctx, log)
	if err != nil {
		return nil, report, err
	}
	c, err := collect.New(f.options())
	if err != nil {
		return nil, report, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, source := range []threads.Source{index.Source{Log: log, Index: x, Threads: ids}, collect.Topic{Log: log, Name: x.Topic, Ranges: since}} {
		if err := c.Read(ctx, source); err != nil {
			return nil, report, err
		}
	}
	for t, err := range c.Threads(ctx) {
		if err != nil {
			return nil, report, err
		}
		if !t.More && matches(t.ID) {
			all = append(all, t.Thread)
		}
	}
	report = c.Report()
	return all, report, f.say(s, &report)
}
