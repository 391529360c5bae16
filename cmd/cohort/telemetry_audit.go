package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
)

type telemetryAuditCommand struct {
	Jobs    []string      `arg:"" optional:"" complete:"job" help:"Jobs whose topics are read. Default: every job in the store that has begun."`
	Topic   []string      `placeholder:"NAME" help:"Read these topics instead of those of jobs; no store is asked."`
	Dir     string        `placeholder:"DIR" complete:"dir" help:"Folder of a cohort demo or cohort up that has stopped: store and log are read there."`
	Timeout time.Duration `default:"10m" help:"How long to read at most (${default})."`
	Output  string        `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`

	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security `embed:""`

	Store       string               `env:"COHORT_STORE" placeholder:"URL" group:"Object store" help:"Object store of the jobs: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	StoreAccess services.StoreAccess `embed:""`
	contextFlag
}

// Help says what is found and what the exit code means.
func (telemetryAuditCommand) Help() string {
	return "Reads each topic once and prints its account: events, duplicates, gaps by producer instance, partition and sequence, producers that ended without saying so, threads that lack events, and what cannot be read. " +
		"It fails if something is missing or cannot be read. What a killed producer had not sent nobody can tell from the log: that is said, and is no failure. It changes nothing."
}

// Validate names the first flag that does not go with the others.
func (c *telemetryAuditCommand) Validate() error {
	switch {
	case len(c.Topic) > 0 && len(c.Jobs) > 0:
		return errors.New("--topic and a job are both given: take one away")
	case c.Timeout < time.Second || c.Timeout > 24*time.Hour:
		return fmt.Errorf("--timeout %s: use 1s to 24h", c.Timeout)
	}
	return errors.Join(c.KafkaSecurity.Validate(), c.StoreAccess.Validate())
}

// Run prints the account of each topic.
func (c *telemetryAuditCommand) Run(ctx context.Context, s *streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if c.Dir == "" {
		return c.read(ctx, s)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", c.Dir, err)
	}
	return local.ReadLog(ctx, dir, func(ctx context.Context, broker string) error {
		c.Kafka, c.KafkaSecurity, c.Store = []string{broker}, telemetry.Security{}, local.StoreURL(dir)
		return c.read(ctx, s)
	})
}

// read reads the topics and prints what was found.
func (c *telemetryAuditCommand) read(ctx context.Context, s *streams) error {
	topics, err := topicsOf(ctx, c.Topic, c.Jobs, c.Store, c.StoreAccess)
	if err != nil {
		return err
	}
	if len(topics) == 0 {
		return printAudits(s.out, c.Output, nil)
	}
	log, err := openLog(ctx, c.Kafka, c.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, name := range c.Topic {
		if err := expectTopic(ctx, log, name); err != nil {
			return err
		}
	}
	limits := telemetry.DefaultLimits()
	codec, err := telemetry.NewCodec(limits, telemetry.None)
	if err != nil {
		return err
	}
	var reports []*audit.Report
	for _, name := range topics {
		r, err := audit.Audit(ctx, traces.Topic{Log: log, Codec: codec, Name: name}, limits)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	return printAudits(s.out, c.Output, reports)
}
