package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/archive"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/index"
	"github.com/cohort-rl/cohort/traces/threads"
)

// tracesCommand lists the commands about traces that exist already.
type tracesCommand struct {
	List  tracesListCommand  `cmd:"" help:"List threads, with their states."`
	Show  tracesShowCommand  `cmd:"" help:"Show a thread: model calls, decisions, tools, rewards, errors."`
	Stats tracesStatsCommand `cmd:"" help:"Count threads by state and reason, by task, and by what can be trained from."`
	Tail  tracesTailCommand  `cmd:"" help:"Show spans and events as they come."`

	Index   tracesIndexCommand   `cmd:"" help:"Keep where in a topic each thread lies, so that the next reading is short."`
	Archive tracesArchiveCommand `cmd:"" help:"Keep threads in object storage, as Parquet."`
	Import  tracesImportCommand  `cmd:"" help:"Write files or an archive to a topic of Kafka."`
}

// How --from tells a topic and an archive from a file.
const (
	topicPrefix   = "kafka:"
	archivePrefix = "archive:"
)

// tracesFrom says where traces are read and how threads are told apart.
type tracesFrom struct {
	From      string        `placeholder:"WHERE" complete:"file" help:"File or folder with OTLP (protobuf or JSON; spans and log records), kafka:TOPIC, or archive:URL with the URL of a store."`
	Dir       string        `placeholder:"DIR" complete:"dir" help:"Folder of a cohort demo or cohort up, running or stopped: its log is read, of all its jobs and of its receiver unless --from names a topic."`
	ThreadBy  []string      `placeholder:"ATTRIBUTE" help:"Attributes that name the thread, the first that a trace has; A+B is both together. Default: those of docs/otlp.md, else the trace is the thread."`
	TaskBy    []string      `placeholder:"ATTRIBUTE" help:"Attributes that name the task. Default: those of docs/otlp.md, else the first message of a user is the task."`
	Quiet     time.Duration `default:"0s" help:"How long ago the last span of a thread must have ended for it to be over (${default})."`
	Timeout   time.Duration `default:"10m" help:"How long to read at most (${default})."`
	Memory    int64         `default:"128" placeholder:"MIB" help:"How many MiB of messages to hold before they go to disk (${default}); the process needs about twice that and 100 MiB."`
	Spill     string        `placeholder:"DIR" complete:"dir" help:"Folder for what does not fit into --memory, about as large as what is read. Default: that of the system for temporary files. Nothing is left there."`
	Index     string        `placeholder:"URL" help:"Store with indexes of topics. A pass over a topic leaves one there; show reads by it only what holds the thread, and what came since."`
	ShowAside int           `name:"aside" default:"5" placeholder:"N" help:"How many messages that cannot be read to name (${default})."`

	Kafka         []string             `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka (${default})."`
	KafkaSecurity telemetry.Security   `embed:""`
	StoreAccess   services.StoreAccess `embed:""`
	contextFlag

	made func(key string, bytes int, x *index.Index) // told of an index, if set
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
	case f.Index != "" && (f.Dir != "" || !strings.HasPrefix(f.From, topicPrefix)):
		return fmt.Errorf("--index %s: an index is of a topic, name it with --from %sTOPIC", f.Index, topicPrefix)
	case f.From == archivePrefix:
		return fmt.Errorf("--from %s: name the store after the colon, as file:///DIR or s3://BUCKET/PREFIX?endpoint=URL", f.From)
	case f.Memory < 8 || f.Memory > 1<<20:
		return fmt.Errorf("--memory %d: use 8 to 1048576 (MiB)", f.Memory)
	case f.Timeout < time.Second || f.Timeout > 24*time.Hour:
		return fmt.Errorf("--timeout %s: use 1s to 24h", f.Timeout)
	}
	for _, name := range append(append([]string{}, f.ThreadBy...), f.TaskBy...) {
		if strings.TrimSpace(name) == "" {
			return errors.New("--thread-by and --task-by: the name of an attribute is empty")
		}
	}
	return errors.Join(f.KafkaSecurity.Validate(), f.StoreAccess.Validate())
}

// options say how to collect what is read.
func (f *tracesFrom) options() collect.Options {
	rules := threads.DefaultRules(time.Now())
	rules.Quiet = f.Quiet
	if len(f.ThreadBy) > 0 {
		rules.Thread = f.ThreadBy
	}
	if len(f.TaskBy) > 0 {
		rules.Task = f.TaskBy
	}
	o := collect.DefaultOptions(rules)
	o.Memory, o.Dir, o.Messages = f.Memory<<20, f.Spill, f.Index != ""
	return o
}

// each reads everything there is, hands over thread by thread in the order of
// their ids, and says on the way out what it could not read. If something was
// not read in time, or was lost, it hands over the rest, and then fails.
func (f *tracesFrom) each(ctx context.Context, s *streams, o collect.Options, visit func(*collect.Found) error) (report collect.Report, err error) {
	c, err := collect.New(o)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	pass := f.indexing()
	if err := f.gather(ctx, pass.around(c.Read)); err != nil {
		return report, err
	}
	for found, err := range c.Threads(ctx) {
		if err == nil {
			err = errors.Join(pass.add(&found), visit(&found))
		}
		if err != nil {
			return report, err
		}
	}
	report = c.Report()
	return report, errors.Join(f.say(s, &report), pass.save(ctx, s, f, &report))
}

// say names what could not be read.
func (f *tracesFrom) say(s *streams, report *collect.Report) error {
	if err := report.Nothing(); err != nil {
		return fmt.Errorf("--from %s: %w", f.From, err)
	}
	tally := &report.Tally
	for i, a := range tally.Aside {
		if i == f.ShowAside {
			break
		}
		fmt.Fprintf(s.err, "set aside: %s: %s\n", printable(a.Place.String()), printable(a.Reason))
	}
	if more := tally.SetAside - int64(min(f.ShowAside, len(tally.Aside))); more > 0 {
		fmt.Fprintf(s.err, "set aside: %d more; --aside N names more of them, -o json up to 1000\n", more)
	}
	for _, u := range report.Unread {
		fmt.Fprintf(s.err, "not read: %s\n", printable(u.String()))
	}
	return nil
}

// errUnread says that what was printed is not all there is.
var errUnread = errors.New("not everything was read: what is missing is named above; if the time was too short, give more with --timeout")

// whole is errUnread unless everything was read. Commands return it after
// they have printed what there is.
func whole(report *collect.Report) error {
	if report.Whole() {
		return nil
	}
	return errUnread
}

// read reads everything there is, and returns the threads in the order of their
// starts: their rewards, and of the tree below them what keep asks for.
func (f *tracesFrom) read(ctx context.Context, s *streams, keep func(*threads.Thread) bool) ([]threads.Thread, collect.Report, error) {
	var all []threads.Thread
	report, err := f.each(ctx, s, f.options(), func(found *collect.Found) error {
		t := found.Thread
		if !keep(&t) {
			rewards := &threads.Node{}
			t.Walk(func(n *threads.Node) { rewards.Rewards = append(rewards.Rewards, n.Rewards...) })
			t.Roots = []*threads.Node{rewards}
		}
		all = append(all, t)
		return nil
	})
	slices.SortStableFunc(all, func(a, b threads.Thread) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	return all, report, err
}

// gather lets read read each source, as long as --timeout says.
func (f *tracesFrom) gather(ctx context.Context, read func(context.Context, threads.Source) error) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
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
				return f.topics(ctx, read, topic)
			}
			bucket, err := openStore(ctx, local.StoreURL(dir), services.StoreAccess{})
			if err != nil {
				return err
			}
			names, err := f.everyTopic(ctx, bucket)
			if err != nil {
				return err
			}
			return f.topics(ctx, read, names...)
		})
	case isTopic:
		return f.topics(ctx, read, topic)
	}
	if url, ok := strings.CutPrefix(f.From, archivePrefix); ok {
		bucket, err := openStore(ctx, url, f.StoreAccess)
		if err != nil {
			return err
		}
		return read(ctx, archive.Source{Bucket: bucket})
	}
	if _, err := os.Stat(f.From); err != nil {
		return usage(fmt.Errorf("--from %s: there is no such file or folder; a topic is written %sNAME, an archive %sURL", f.From, topicPrefix, archivePrefix))
	}
	limits := files.DefaultLimits()
	limits.All = 1 << 40 // What memory does not hold goes to disk.
	return read(ctx, files.Source{Path: f.From, Limits: limits})
}

func (f *tracesFrom) topics(ctx context.Context, read func(context.Context, threads.Source) error, names ...string) error {
	log, err := openLog(ctx, f.Kafka, f.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, name := range names {
		if err := read(ctx, collect.Topic{Log: log, Name: name}); err != nil {
			return err
		}
	}
	return nil
}
