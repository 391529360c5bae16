package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// tracesCommand lists the commands about traces that exist already.
type tracesCommand struct {
	List  tracesListCommand  `cmd:"" help:"List threads, with their states."`
	Show  tracesShowCommand  `cmd:"" help:"Show a thread: model calls, decisions, tools, rewards, errors."`
	Stats tracesStatsCommand `cmd:"" help:"Count threads by state and reason, by task, and by what can be trained from."`
	Tail  tracesTailCommand  `cmd:"" help:"Show spans and events as they come."`
}

// topicPrefix is how --from tells a topic from a file.
const topicPrefix = "kafka:"

// tracesFrom says where traces are read and how threads are told apart.
type tracesFrom struct {
	From      string        `placeholder:"WHERE" complete:"file" help:"File or folder with OTLP (protobuf or JSON; spans and log records), or kafka:TOPIC."`
	Dir       string        `placeholder:"DIR" complete:"dir" help:"Folder of a cohort demo or cohort up, running or stopped: its log is read, of all its jobs and of its receiver unless --from names a topic."`
	ThreadBy  []string      `placeholder:"ATTRIBUTE" help:"Attributes that name the thread, the first that a trace has; A+B is both together. Default: those of docs/otlp.md, else the trace is the thread."`
	TaskBy    []string      `placeholder:"ATTRIBUTE" help:"Attributes that name the task. Default: those of docs/otlp.md, else the first message of a user is the task."`
	Quiet     time.Duration `default:"0s" help:"How long ago the last span of a thread must have ended for it to be over (${default})."`
	Timeout   time.Duration `default:"10m" help:"How long to read at most (${default})."`
	ShowAside int           `name:"aside" default:"5" placeholder:"N" help:"How many messages that cannot be read to name (${default})."`

	Kafka         []string           `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security `embed:""`
	contextFlag
}

// Validate names the first flag that does not go with the others.
func (f *tracesFrom) Validate() error {
	switch {
	case f.From == "" && f.Dir == "":
		return errors.New("--from is not set: name a file or a folder with OTLP, or kafka:TOPIC")
	case f.Dir != "" && f.From != "" && !strings.HasPrefix(f.From, topicPrefix):
		return fmt.Errorf("--from %s and --dir are both given: take one away", f.From)
	case f.From == topicPrefix:
		return fmt.Errorf("--from %s: name the topic after the colon", f.From)
	case f.Quiet < 0:
		return fmt.Errorf("--quiet %s: use 0s or more", f.Quiet)
	case f.ShowAside < 0:
		return fmt.Errorf("--aside %d: use 0 or more", f.ShowAside)
	case f.Timeout < time.Second || f.Timeout > 24*time.Hour:
		return fmt.Errorf("--timeout %s: use 1s to 24h", f.Timeout)
	}
	for _, name := range append(append([]string{}, f.ThreadBy...), f.TaskBy...) {
		if strings.TrimSpace(name) == "" {
			return errors.New("--thread-by and --task-by: the name of an attribute is empty")
		}
	}
	return f.KafkaSecurity.Validate()
}

// read reads everything there is and says on the way out what it could not read.
func (f *tracesFrom) read(ctx context.Context, s *streams) ([]threads.Thread, threads.Tally, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	rules := threads.DefaultRules(time.Now())
	rules.Quiet = f.Quiet
	if len(f.ThreadBy) > 0 {
		rules.Thread = f.ThreadBy
	}
	if len(f.TaskBy) > 0 {
		rules.Task = f.TaskBy
	}
	gathering, err := threads.NewGathering(rules)
	if err != nil {
		return nil, threads.Tally{}, err
	}
	if err := f.gather(ctx, gathering); err != nil {
		return nil, threads.Tally{}, err
	}
	all, tally, err := gathering.Threads()
	if err != nil {
		return nil, tally, fmt.Errorf("--from %s: %w", f.From, err)
	}
	for i, a := range tally.Aside {
		if i == f.ShowAside {
			break
		}
		fmt.Fprintf(s.err, "set aside: %s: %s\n", printable(a.Place.String()), printable(a.Reason))
	}
	if more := tally.SetAside - int64(min(f.ShowAside, len(tally.Aside))); more > 0 {
		fmt.Fprintf(s.err, "set aside: %d more; --aside N names more of them, -o json up to 1000\n", more)
	}
	return all, tally, nil
}

func (f *tracesFrom) gather(ctx context.Context, to threads.Sink) error {
	topic, isTopic := strings.CutPrefix(f.From, topicPrefix)
	switch {
	case f.Dir != "":
		dir, err := filepath.Abs(f.Dir)
		if err != nil {
			return fmt.Errorf("--dir %s: %w", f.Dir, err)
		}
		return local.Log(ctx, dir, func(ctx context.Context, broker string) error {
			f.Kafka, f.KafkaSecurity = []string{broker}, telemetry.Security{}
			if isTopic {
				return f.topics(ctx, to, topic)
			}
			bucket, err := openStore(ctx, local.StoreURL(dir), services.StoreAccess{})
			if err != nil {
				return err
			}
			names, err := f.everyTopic(ctx, bucket)
			if err != nil {
				return err
			}
			return f.topics(ctx, to, names...)
		})
	case isTopic:
		return f.topics(ctx, to, topic)
	}
	if _, err := os.Stat(f.From); err != nil {
		return usage(fmt.Errorf("--from %s: there is no such file or folder; a topic is written %sNAME", f.From, topicPrefix))
	}
	return files.Source{Path: f.From, Limits: files.DefaultLimits()}.Read(ctx, to)
}

func (f *tracesFrom) topics(ctx context.Context, to threads.Sink, names ...string) error {
	log, err := openLog(ctx, f.Kafka, f.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	return threads.Topics{Log: log, Names: names}.Read(ctx, to)
}
