package countdown

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/sdk"
	"github.com/cohort-rl/cohort/telemetry"
)

// Config is what the agent needs to run.
type Config struct {
	// Listen is the address, host:port; port 0 takes a free one.
	Listen string
	// Ready is told the address once it is listened on; may be nil.
	Ready func(address net.Addr)
	// PolicyCA is a PEM file of authorities to trust beside the system's when
	// policies are asked over TLS; empty for none.
	PolicyCA string
	// Kafka is how the agent is let in by the Kafka that requests name.
	Kafka telemetry.Security
	// Log is a JSON Lines file that gets a Row for each attempt answered well;
	// empty keeps none.
	Log string
	// Parent ends when the process that started the agent is gone, as a pipe
	// on standard input does; then the agent stops. Serve closes it. May be nil.
	Parent io.ReadCloser
}

// Serve runs the agent until ctx or Parent ends.
func Serve(ctx context.Context, c Config) (err error) {
	log, err := openJournal(c.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	return sdk.Serve(ctx, sdk.Config{
		Options: sdk.Options{
			PolicyCA: c.PolicyCA, Kafka: c.Kafka, Name: name,
			Answered: func(r *sdk.Rollout, answer agent.Answer) error {
				return log.add(Row{Thread: r.Request.Thread, Greedy: r.Request.Greedy, Events: answer.Events, Reward: r.Rewards()[0]})
			},
		},
		Listen: c.Listen, Ready: c.Ready, Parent: c.Parent,
	}, attempt)
}
