package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/telemetry"
)

type exampleAgentCommand struct {
	Listen   string             `default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Where rollouts are answered (${default})."`
	Log      string             `placeholder:"FILE" complete:"file" help:"JSON Lines file that gets a row for each rollout answered."`
	PolicyCA string             `name:"policy-ca" env:"COHORT_POLICY_CA" placeholder:"FILE" complete:"file" help:"PEM file of authorities to trust beside the system's when the policy is asked over TLS."`
	Kafka    telemetry.Security `embed:""`
	Child    bool               `hidden:"" help:"Print the address alone, and stop when standard input ends."`
}

// Validate names the first flag that does not go with the others.
func (c *exampleAgentCommand) Validate() error { return c.Kafka.Validate() }

// Run answers rollouts until it is told to stop.
func (c *exampleAgentCommand) Run(ctx context.Context, s *streams) error {
	config := countdown.Config{Listen: c.Listen, Log: c.Log, PolicyCA: c.PolicyCA, Kafka: c.Kafka}
	config.Ready = func(address net.Addr) { fmt.Fprintf(s.out, "Ready: the agent listens on http://%s.\n", address) }
	if c.Child {
		config.Parent = os.Stdin
		config.Ready = func(address net.Addr) { fmt.Fprintln(s.out, address) }
	}
	return countdown.Serve(ctx, config)
}
