package main

import (
	"context"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// telemetryCommand lists the commands about what agents record.
type telemetryCommand struct {
	Audit       telemetryAuditCommand       `cmd:"" help:"Hold the log against what its producers say they sent."`
	Tail        telemetryTailCommand        `cmd:"" help:"Show events as they come."`
	DeadLetters telemetryDeadLettersCommand `cmd:"" name:"deadletters" help:"Look at, and replay, events that the log did not take."`
}

// openLog opens the log of a cluster that answers within ten seconds. The caller
// closes it.
func openLog(ctx context.Context, brokers []string, security telemetry.Security) (*kafka.Log, error) {
	where := services.Config{Kafka: brokers, KafkaSecurity: security}
	log, err := where.OpenKafka(ctx)
	if err != nil {
		return nil, usage(err)
	}
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := where.CheckKafka(asked, log); err != nil {
		log.Close()
		return nil, err
	}
	return log, nil
}
