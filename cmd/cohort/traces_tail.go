package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

type tracesTailCommand struct {
	From      []string      `required:"" placeholder:"TOPIC" help:"Topics to follow: kafka:TOPIC, or TOPIC."`
	Dir       string        `placeholder:"DIR" complete:"dir" help:"Folder of a cohort up, running or stopped, whose log has them."`
	Thread    string        `placeholder:"ID" help:"Show what belongs to threads, or traces, whose id begins like this."`
	ThreadBy  []string      `placeholder:"ATTRIBUTE" help:"Attributes that name the thread. Default: those of docs/otlp.md, else the trace is the thread."`
	FromStart bool          `help:"Begin with what is in the log already."`
	NoFollow  bool          `help:"Show what is in the log now, and stop."`
	For       time.Duration `placeholder:"DURATION" help:"Stop after so long. Default: at Ctrl-C."`
	Output    string        `short:"o" default:"text" enum:"text,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default}); json has an object a line."`

	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security `embed:""`
	contextFlag
}

// Help says what is shown, and in which order.
func (tracesTailCommand) Help() string {
	return "Shows spans, log records and Cohort's own events as they come, a line each: time, thread, kind and a summary. What lies in one partition comes in its order, so a trace that cohort's receiver or the Collector has keyed does; spans come once they have ended. What cannot be read is shown with its place and the reason. It keeps nothing, changes nothing, and ends at Ctrl-C."
}

// Validate names the first flag that is wrong.
func (c *tracesTailCommand) Validate() error {
	for i, name := range c.From {
		c.From[i] = strings.TrimPrefix(name, topicPrefix)
		if c.From[i] == "" {
			return fmt.Errorf("--from %q: name a topic", name)
		}
	}
	if c.For < 0 {
		return fmt.Errorf("--for %s: use a positive duration", c.For)
	}
	return c.KafkaSecurity.Validate()
}

// Run shows what comes until it is told to stop.
func (c *tracesTailCommand) Run(ctx context.Context, s *streams) error {
	if c.For > 0 {
		limited, cancel := context.WithTimeout(ctx, c.For)
		defer cancel()
		ctx = limited
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	names := c.ThreadBy
	if len(names) == 0 {
		names = convention.Attributes(convention.All(), convention.Thread)
	}
	json, color := c.Output == "json", watch.Detect(s.out, os.Getenv).Color
	page := &traceTail{
		tail:   &tail{out: s.out, json: json, color: color, thread: c.Thread, codec: codec},
		reader: convention.NewReader(convention.All()), names: names, limits: otlp.DefaultLimits(),
	}
	err = c.open(ctx, page)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// open finds the log and shows its topics.
func (c *tracesTailCommand) open(ctx context.Context, page *traceTail) error {
	if c.Dir == "" {
		return c.show(ctx, page)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", c.Dir, err)
	}
	return local.Log(ctx, dir, func(ctx context.Context, broker string) error {
		c.Kafka, c.KafkaSecurity = []string{broker}, telemetry.Security{}
		return c.show(ctx, page)
	})
}

func (c *tracesTailCommand) show(ctx context.Context, page *traceTail) error {
	log, err := openLog(ctx, c.Kafka, c.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, name := range c.From {
		if _, err := log.Bounds(ctx, name); errors.Is(err, traces.ErrGone) {
			return fmt.Errorf("--from %s: there is no such topic", name)
		} else if err != nil {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, name := range c.From {
		topic, take := traces.Topic{Log: log, Name: name}, page.take(name)
		if c.NoFollow {
			if err := showAll(ctx, topic, take); err != nil {
				return err
			}
			continue
		}
		g.Go(func() error { return topic.Follow(gctx, !c.FromStart, take) })
	}
	return g.Wait()
}
