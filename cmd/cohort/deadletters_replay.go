package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

type deadLettersReplayCommand struct {
	deadLettersFrom
	DryRun bool     `help:"Only say what would be sent."`
	To     []string `placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of the log, if they are not those of --kafka."`
	Output string   `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what is sent, and what may be done twice.
func (deadLettersReplayCommand) Help() string {
	return "Sends each event to the topic and partition where it belongs, under its producer instance and sequence, marked as replayed. Readers accept an event once, so this may be repeated and interrupted. " +
		"Letters of a topic stay in it; a spill file is emptied, durably, of what was acknowledged, and no producer may have it meanwhile (each replays its own when it starts). " +
		"Events that were refused at the door, for their size or by the rate limit, have no sequence: they are counted and left. What was redacted stays redacted."
}

// replayCount is what a replay did.
type replayCount struct {
	Letters  int  `json:"letters"`
	Replayed int  `json:"replayed"`
	Left     int  `json:"left"`
	Damaged  int  `json:"damaged"`
	DryRun   bool `json:"dry_run"`
}

// replayAtOnce is how many letters are held in memory.
const replayAtOnce = 256

// Run replays the letters.
func (c *deadLettersReplayCommand) Run(ctx context.Context, s *streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	mechanism, err := c.KafkaSecurity.Mechanism()
	if err != nil {
		return usage(err)
	}
	secured, err := c.KafkaSecurity.TLSConfig()
	if err != nil {
		return usage(err)
	}
	to := c.Kafka
	if len(c.To) > 0 {
		to = c.To
	}
	if !c.DryRun {
		if err := c.reach(ctx, to); err != nil {
			return err
		}
	}
	replayer := telemetry.NewReplayer(to, secured, mechanism)
	defer replayer.Close()
	var done replayCount
	done.DryRun = c.DryRun
	if c.Spill != "" && !c.DryRun {
		err = c.fromSpill(ctx, replayer, &done)
	} else {
		err = c.fromTopic(ctx, replayer, &done)
	}
	if printed := done.print(s.out, c.Output); err == nil {
		err = printed
	}
	if err == nil && done.Damaged > 0 {
		err = c.damaged(done.Damaged, done.Letters)
	}
	return err
}

// reach asks the cluster of the log once.
func (c *deadLettersReplayCommand) reach(ctx context.Context, brokers []string) error {
	where := services.Config{Kafka: brokers, KafkaSecurity: c.KafkaSecurity}
	log, err := where.OpenKafka(ctx)
	if err != nil {
		return usage(err)
	}
	defer log.Close()
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err = where.CheckKafka(asked, log)
	if err != nil && len(c.To) > 0 {
		return fmt.Errorf("--to %s: %w", strings.Join(c.To, ","), err)
	}
	return err
}

// fromTopic replays letters as they are read, and changes nothing where they
// lie. In a dry run it only counts, whatever they lie in.
func (c *deadLettersReplayCommand) fromTopic(ctx context.Context, replayer *telemetry.Replayer, done *replayCount) error {
	var batch []telemetry.DeadLetter
	send := func() error {
		if c.DryRun {
			done.Replayed += len(batch)
			batch = nil
			return nil
		}
		n, err := replayer.Replay(ctx, batch)
		done.Replayed += n
		batch = nil
		return err
	}
	bad, err := c.read(ctx, func(l letter) error {
		done.Letters++
		if !l.Replayable() {
			done.Left++
			return nil
		}
		if batch = append(batch, l.DeadLetter); len(batch) < replayAtOnce {
			return nil
		}
		return send()
	})
	done.Damaged = bad
	if err != nil {
		return err
	}
	return send()
}

// fromSpill replays a spill file and keeps in it what was not sent.
func (c *deadLettersReplayCommand) fromSpill(ctx context.Context, replayer *telemetry.Replayer, done *replayCount) (err error) {
	if _, err := os.Stat(c.Spill); err != nil {
		return usage(fmt.Errorf("--spill: %w", err))
	}
	file, found, err := spill.Open(spill.Config{Path: c.Spill, MaxBytes: 1 << 62})
	if errors.Is(err, spill.ErrInUse) {
		return fmt.Errorf("--spill %s: a producer has it: stop that one, or let it replay by itself when the log is back", c.Spill)
	}
	if err != nil {
		return fmt.Errorf("--spill: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	done.Damaged = found.Damaged
	var left []spill.Record
	at := file.Start()
	// What was sent is forgotten, and what was not is kept, however this ends.
	defer func() {
		if at > file.Start() {
			err = errors.Join(err, file.Drop(at, left))
		}
	}()
	for {
		records, err := file.Read(at, 1<<20)
		if err != nil || len(records) == 0 {
			return err
		}
		if err := replaySome(ctx, replayer, records, done, &left); err != nil {
			return err
		}
		at = records[len(records)-1].End
	}
}

// replaySome replays what can be of some records, and notes the others.
func replaySome(ctx context.Context, replayer *telemetry.Replayer, records []spill.Record, done *replayCount, left *[]spill.Record) error {
	var batch []telemetry.DeadLetter
	var keep []spill.Record
	for _, r := range records {
		l, err := telemetry.ReadDeadLetter(r.Payload)
		if err == nil && l.Replayable() {
			batch = append(batch, l)
			continue
		}
		keep = append(keep, spill.Record{At: r.At, End: r.End})
	}
	n, err := replayer.Replay(ctx, batch)
	done.Replayed += n
	if err != nil {
		return err // none of these is forgotten: what was sent comes again, and readers drop it
	}
	done.Letters += len(records)
	done.Left += len(keep)
	*left = append(*left, slices.Clip(keep)...)
	return nil
}

func (r replayCount) print(out io.Writer, form string) error {
	if form == "json" {
		return printJSON(out, r)
	}
	verb := "were replayed"
	if r.DryRun {
		verb = "would be replayed"
	}
	_, err := fmt.Fprintf(out, "%d of %d dead letters %s; %d have no place in the log and stay where they are.\n", r.Replayed, r.Letters, verb, r.Left)
	return err
}
