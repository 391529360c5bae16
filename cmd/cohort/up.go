package main

import (
	"context"
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/local"
)

type upCommand struct {
	Dir     string `default:"cohort-data/up" placeholder:"DIR" complete:"dir" help:"Folder for the store and Kafka's log (${default})."`
	Workers int    `default:"2" placeholder:"N" help:"Workers to run (${default}). More can be started beside it."`
	Listen  string `default:"127.0.0.1:7070" placeholder:"HOST:PORT" help:"Where the HTTP API is served (${default})."`
	Verbose bool   `short:"v" help:"Log what coordinator and workers do."`

	daemon.Tracing   `embed:""`
	daemon.Receiving `embed:""`
}

// Validate names the first flag that is out of its bounds.
func (c *upCommand) Validate() error {
	if err := c.Tracing.Validate(); err != nil {
		return err
	}
	if err := c.Receiving.Validate(daemon.Exposure{}); err != nil {
		return err
	}
	return checkWorkers(c.Workers)
}

// Run runs the system until it is told to stop.
func (c *upCommand) Run(ctx context.Context, s *streams) error {
	err := local.Run(ctx, local.Config{
		Dir: c.Dir, Workers: c.Workers, Listen: c.Listen, Tracing: c.Tracing, Receiving: c.Receiving, Version: version, Logger: quietLogger(s, c.Verbose),
	}, func(ctx context.Context, running local.System) error {
		fmt.Fprintf(s.out, "API:   %s\nStore: %s\nRedis: %s\nKafka: %s\n", running.API, running.Store, running.Redis, running.Kafka)
		if r := running.Receiver; r.URL != "" {
			fmt.Fprintf(s.out, "OTLP:  %s, to the topic %s\n", r.URL, r.Topic)
			fmt.Fprintf(s.out, "Traces of an agent:  OTEL_EXPORTER_OTLP_ENDPOINT=%s OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf AGENT\n", r.URL)
			fmt.Fprintf(s.out, "What there is then:  %s traces stats --from kafka:%s --kafka %s\n", os.Args[0], r.Topic, running.Kafka)
		}
		fmt.Fprintf(s.out, "Another worker: worker --redis %s --kafka %s --store %s\n", running.Redis, running.Kafka, running.Store)
		fmt.Fprintf(s.out, "Submit a job:   %s submit examples/countdown/job.yaml --watch%s\n", os.Args[0], serverHint(running.API, ""))
		fmt.Fprintln(s.out, "Ready. Ctrl-C stops it; the same command goes on.")
		<-ctx.Done()
		return nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil
}
