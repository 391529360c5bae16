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
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var config countdown.Config
	var child bool
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.StringVar(&config.Listen, "listen", "127.0.0.1:8090", "`address` to answer rollouts on")
	flags.StringVar(&config.Log, "log", "", "JSON Lines `file` that gets a row for each attempt")
	flags.BoolVar(&child, "child", false, "stop when standard input ends")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if child {
		config.Parent = os.Stdin
	}
	config.Ready = func(address net.Addr) { fmt.Printf("listening on http://%s\n", address) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return countdown.Serve(ctx, config)
}
