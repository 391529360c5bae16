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
	"github.com/cohort-rl/cohort/telemetry"
)

func main() {
	var config countdown.Config
	flag.StringVar(&config.Listen, "listen", "127.0.0.1:8090", "`address` to answer rollouts on")
	flag.StringVar(&config.Log, "log", "", "JSON Lines `file` that gets a row for each attempt")
	flag.StringVar(&config.PolicyCA, "policy-ca", os.Getenv("COHORT_POLICY_CA"), "PEM `file` of authorities to trust when the policy is asked over TLS")
	security, err := telemetry.SecurityFromEnvironment(os.Getenv)
	if err != nil {
		fail(err)
	}
	config.Kafka = security
	flag.StringVar(&config.Kafka.SASL, "kafka-sasl", security.SASL, "`mechanism` to log in to Kafka by: "+telemetry.Mechanisms)
	flag.StringVar(&config.Kafka.User, "kafka-user", security.User, "`name` of Kafka's user; its password is in COHORT_KAFKA_PASSWORD or a file")
	flag.StringVar(&config.Kafka.PasswordFile, "kafka-password-file", security.PasswordFile, "`file` with the password")
	flag.BoolVar(&config.Kafka.TLS, "kafka-tls", security.TLS, "speak TLS with Kafka")
	flag.StringVar(&config.Kafka.CA, "kafka-ca", security.CA, "PEM `file` of authorities to trust when speaking to Kafka; implies -kafka-tls")
	child := flag.Bool("child", false, "stop when standard input ends")
	flag.Parse()
	if *child {
		config.Parent = os.Stdin
	}
	if err := run(config); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "agent:", err)
	os.Exit(1)
}

func run(config countdown.Config) error {
	config.Ready = func(address net.Addr) { fmt.Printf("listening on http://%s\n", address) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return countdown.Serve(ctx, config)
}
