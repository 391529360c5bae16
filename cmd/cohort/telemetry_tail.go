package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

type telemetryTailCommand struct {
	Job       []string      `placeholder:"ID" complete:"job" help:"Show events of these jobs. Default: every job in the store, those that begin later too."`
	Topic     []string      `placeholder:"NAME" help:"Read these topics instead of those of jobs; no store is asked."`
	Dir       string        `placeholder:"DIR" complete:"dir" help:"Folder of a cohort demo or cohort up, running or stopped: store and log are found there."`
	Thread    string        `placeholder:"ID" help:"Show threads whose id begins like this."`
	Kind      []string      `placeholder:"KIND" help:"Show these kinds of events: start, decision, model_call, tool_call, node, reward, state, error, end, marker, final, tombstone; unreadable for what is none."`
	FromStart bool          `help:"Begin with what is in the log already."`
	NoFollow  bool          `help:"Show what is in the log now, and stop."`
	For       time.Duration `placeholder:"DURATION" help:"Stop after so long. Default: at Ctrl-C."`
	Output    string        `short:"o" default:"text" enum:"text,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default}); json has an object a line."`

	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security `embed:""`

	Store       string               `env:"COHORT_STORE" placeholder:"URL" group:"Object store" help:"Object store of the jobs: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	StoreAccess services.StoreAccess `embed:""`
	contextFlag
}

// Help says in which order events come.
func (telemetryTailCommand) Help() string {
	return "Shows events as they are recorded, a line each: time, thread, index, kind and a summary. The events of a thread come in their order; those of different threads as they arrive. It changes nothing, and ends at Ctrl-C."
}

// Validate names the first flag that does not go with the others.
func (c *telemetryTailCommand) Validate() error {
	switch {
	case len(c.Topic) > 0 && len(c.Job) > 0:
		return errors.New("--topic and --job are both given: take one away")
	case c.For < 0:
		return fmt.Errorf("--for %s: use a positive duration", c.For)
	}
	for _, k := range c.Kind {
		if err := checkKind(k); err != nil {
			return fmt.Errorf("--kind %s: %w", k, err)
		}
	}
	return errors.Join(c.KafkaSecurity.Validate(), c.StoreAccess.Validate())
}

// Run shows events until it is told to stop.
func (c *telemetryTailCommand) Run(ctx context.Context, s *streams) error {
	if c.For > 0 {
		limited, cancel := context.WithTimeout(ctx, c.For)
		defer cancel()
		ctx = limited
	}
	out := &tail{out: s.out, json: c.Output == "json", thread: c.Thread, kinds: c.Kind, color: watch.Detect(s.out, os.Getenv).Color}
	err := c.open(ctx, out)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// open finds the log and follows it.
func (c *telemetryTailCommand) open(ctx context.Context, out *tail) error {
	if c.Dir == "" {
		return c.follow(ctx, out)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", c.Dir, err)
	}
	return local.Log(ctx, dir, func(ctx context.Context, broker string) error {
		c.Kafka, c.KafkaSecurity, c.Store = []string{broker}, telemetry.Security{}, local.StoreURL(dir)
		return c.follow(ctx, out)
	})
}

func (c *telemetryTailCommand) follow(ctx context.Context, out *tail) error {
	var bucket blob.Bucket
	if len(c.Topic) == 0 {
		if c.Store == "" {
			return usage(errors.New("--store is not set: name the store of the jobs, or a topic with --topic, or a folder with --dir"))
		}
		var err error
		if bucket, err = openStore(ctx, c.Store, c.StoreAccess); err != nil {
			return err
		}
	}
	log, err := openLog(ctx, c.Kafka, c.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	for _, name := range c.Topic {
		if err := expectTopic(ctx, log, name); err != nil {
			return err
		}
	}
	out.codec = codec
	return c.topics(ctx, traces.Topic{Log: log, Codec: codec}, out, bucket)
}

// expectTopic says which topic that a user named is not there.
func expectTopic(ctx context.Context, log traces.Log, name string) error {
	_, err := log.Bounds(ctx, name)
	if errors.Is(err, traces.ErrGone) {
		return fmt.Errorf("--topic %s: there is no such topic", name)
	}
	return err
}

// rescan is how often the store is asked for jobs that have begun.
const rescan = time.Second

// topics follows the topics that are given, or those of the bucket's jobs; of
// jobs that begin later it shows everything.
func (c *telemetryTailCommand) topics(ctx context.Context, in traces.Topic, out *tail, bucket blob.Bucket) error {
	var followed []string
	g, gctx := errgroup.WithContext(ctx)
	begin := func(names []string, skip bool) {
		for _, name := range names {
			if slices.Contains(followed, name) {
				continue
			}
			followed = append(followed, name)
			topic := in
			topic.Name = name
			g.Go(func() error { return topic.Follow(gctx, skip, out.take(name)) })
		}
	}
	if c.NoFollow {
		names := c.Topic
		if bucket != nil {
			var err error
			if names, err = topicsIn(ctx, bucket, c.Job); err != nil {
				return err
			}
		}
		return show(ctx, in, out, names)
	}
	if bucket == nil {
		begin(c.Topic, !c.FromStart)
		return g.Wait()
	}
	g.Go(func() error {
		for skip := !c.FromStart; ; skip = false {
			names, err := topicsIn(gctx, bucket, c.Job)
			if err != nil {
				return err
			}
			begin(names, skip)
			select {
			case <-time.After(rescan):
			case <-gctx.Done():
				return nil
			}
		}
	})
	return g.Wait()
}

// show shows what topics hold now, one after the other.
func show(ctx context.Context, in traces.Topic, out *tail, names []string) error {
	for _, name := range names {
		in.Name = name
		if err := showAll(ctx, in, out.take(name)); err != nil {
			return err
		}
	}
	return nil
}

// showAll hands over what a topic holds now, a partition after the other.
func showAll(ctx context.Context, in traces.Topic, take func([]traces.Record) error) error {
	bounds, err := in.Log.Bounds(ctx, in.Name)
	if err != nil {
		return fmt.Errorf("show %s: %w", in.Name, err)
	}
	for p, b := range bounds {
		if err := in.Scan(ctx, p, b.First, b.End, func(r traces.Record) error { return take([]traces.Record{r}) }); err != nil {
			return fmt.Errorf("show %s: %w", in.Name, err)
		}
	}
	return nil
}
