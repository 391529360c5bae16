package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/threads"
)

// offlineFlags are what submitting an offline job may need: its traces are read,
// and their rewards found out, by who submits it.
type offlineFlags struct {
	ReadTimeout   time.Duration      `default:"10m" group:"Offline jobs" help:"How long to read traces at most (${default})."`
	RewardHost    []string           `default:"127.0.0.1,localhost,::1" placeholder:"HOST" env:"COHORT_REWARD_HOSTS" group:"Offline jobs" help:"Hosts that may be asked for rewards (${default})."`
	RewardToken   secret.Text        `env:"COHORT_REWARD_TOKEN" placeholder:"TOKEN" group:"Offline jobs" help:"Bearer token that those hosts are sent. Set it in the environment."`
	Store         string             `env:"COHORT_STORE" placeholder:"URL" group:"Offline jobs" help:"Object store of the checkpoint that traces.offline.checkpoint names."`
	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Offline jobs" help:"Brokers of Kafka, where the traces are in a topic (${default})."`
	KafkaSecurity telemetry.Security `embed:""`

	services.StoreAccess `embed:""`
}

// offlineMemory is how many MiB of messages are held before they go to disk.
const offlineMemory = 128

// offline reads the traces of an offline job, makes its data sets of them, and
// says what share is used.
func (c *submitCommand) offline(ctx context.Context, s *streams, f *specFile) error {
	o := f.spec.Traces.Offline
	from := tracesFrom{
		From: o.Source, ThreadBy: commas(o.ThreadBy), TaskBy: commas(o.TaskBy), Timeout: c.ReadTimeout, ShowAside: 5, Memory: offlineMemory,
		Kafka: c.Kafka, KafkaSecurity: c.KafkaSecurity,
	}
	if !strings.HasPrefix(o.Source, topicPrefix) && !strings.HasPrefix(o.Source, archivePrefix) && !filepath.IsAbs(o.Source) {
		from.From = filepath.Join(filepath.Dir(f.path), o.Source)
	}
	if err := from.Validate(); err != nil {
		return usage(err)
	}
	scorer, err := reward.New(f.spec.Reward, reward.Services{Client: reward.Client(), Hosts: c.RewardHost, Token: c.RewardToken, Clock: clock.System{}})
	if err != nil {
		return usage(fmt.Errorf("%s: %w", f.path, err))
	}
	before, err := c.before(ctx, o)
	if err != nil {
		return fmt.Errorf("%s: traces.offline.checkpoint: %w", f.path, err)
	}
	all, report, err := from.read(ctx, s, func(*threads.Thread) bool { return true })
	if err == nil {
		err = whole(&report) // a job of half of the traces would be another one
	}
	if err != nil {
		return fmt.Errorf("%s: traces.offline.source: %w", f.path, err)
	}
	collected, err := offline.Collect(ctx, f.spec, all, scorer, before)
	if errors.Is(err, offline.ErrNothing) {
		return usage(fmt.Errorf("%s: traces.offline.source %s: %w", f.path, o.Source, err))
	}
	if err != nil {
		return err
	}
	f.data = collected.Files()
	out := s.out
	if c.Output != formatTable {
		out = s.err
	}
	return collected.Report.Print(out)
}

// before is the policy that decided in the traces, if it is to be asked.
func (c *submitCommand) before(ctx context.Context, o *spec.Offline) (policy.Policy, error) {
	if o.Behaviour != "computed" {
		return nil, nil //nolint:nilnil // what is not recorded is not known
	}
	if c.Store == "" {
		return nil, usage(errors.New("--store is not set: name the object store that holds it"))
	}
	store, err := openStore(ctx, c.Store, c.StoreAccess)
	if err != nil {
		return nil, err
	}
	found, err := checkpoint.Find(ctx, store, o.Checkpoint, "")
	if err != nil {
		return nil, err
	}
	_, arrays, err := checkpoint.LoadWeights(ctx, store, found.Job, found.Checkpoint)
	if err != nil {
		return nil, err
	}
	return checkpoint.Policy(arrays)
}

// commas are the parts of a text between commas.
func commas(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
