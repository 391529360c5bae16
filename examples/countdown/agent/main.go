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
	child := flag.Bool("child", false, "stop when standard input ends")
	err := declareKafka(&config.Kafka)
	flag.Parse()
	if *child {
		config.Parent = os.Stdin
	}
	if err == nil {
		err = run(config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// declareKafka takes the settings of Kafka from the environment, and declares
// flags that go before it.
func declareKafka(k *telemetry.Security) (err error) {
	*k, err = telemetry.SecurityFromEnvironment(os.Getenv)
	flag.StringVar(&k.SASL, "kafka-sasl", k.SASL, "`mechanism` to log in to Kafka by: "+telemetry.Mechanisms)
	flag.StringVar(&k.User, "kafka-user", k.User, "`name` of Kafka's user; its password is in COHORT_KAFKA_PASSWORD or a file")
	flag.StringVar(&k.PasswordFile, "kafka-password-file", k.PasswordFile, "`file` with the password")
	flag.BoolVar(&k.TLS, "kafka-tls", k.TLS, "speak TLS with Kafka")
	flag.StringVar(&k.CA, "kafka-ca", k.CA, "PEM `file` of authorities to trust when speaking to Kafka; implies -kafka-tls")
	return err
}

func run(config countdown.Config) error {
	config.Ready = func(address net.Addr) { fmt.Printf("listening on http://%s\n", address) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return countdown.Serve(ctx, config)
}
