// Command agent runs the countdown agent as a server of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/cohort-rl/cohort/examples/countdown"
)

func main() {
	var config countdown.Config
	flag.StringVar(&config.Listen, "listen", "127.0.0.1:8090", "`address` to answer rollouts on")
	flag.StringVar(&config.Log, "log", "", "JSON Lines `file` that gets a row for each attempt")
	flag.StringVar(&config.PolicyCA, "policy-ca", os.Getenv("COHORT_POLICY_CA"), "PEM `file` of authorities to trust when the policy is asked over TLS")
	child := flag.Bool("child", false, "stop when standard input ends")
	flag.Parse()
	if *child {
		config.Parent = os.Stdin
	}
	if err := run(config); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(config countdown.Config) error {
	config.Ready = func(address net.Addr) { fmt.Printf("listening on http://%s\n", address) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return countdown.Serve(ctx, config)
}
