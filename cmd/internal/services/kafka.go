package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/traces/kafka"
)

// OpenKafka returns the log on Kafka, which connects when it is used. The caller
// must Close it.
func (c Config) OpenKafka(context.Context) (*kafka.Log, error) {
	security := c.KafkaSecurity
	mechanism, err := security.Mechanism()
	if err != nil {
		return nil, err
	}
	secured, err := security.TLSConfig()
	if err != nil {
		return nil, err
	}
	return kafka.Open(kafka.Config{Brokers: c.Kafka, SASL: mechanism, TLS: secured})
}

// CheckKafka asks Kafka once: does it answer, and let us in? Errors are *Fault.
func (c Config) CheckKafka(ctx context.Context, log *kafka.Log) (kafka.Cluster, error) {
	cluster, err := log.Cluster(ctx)
	if err != nil {
		return kafka.Cluster{}, c.kafkaFault(err)
	}
	return cluster, nil
}

// kafkaFault says what an error of Kafka or its connection means.
func (c Config) kafkaFault(err error) *Fault {
	f := &Fault{What: "Kafka at " + strings.Join(c.Kafka, ", "), Err: err, Lasting: true}
	code, _ := errors.AsType[kafkago.Error](err)
	switch {
	case code == kafkago.SASLAuthenticationFailed:
		f.What += " refuses the login"
		f.Remedy = "check --kafka-user and --kafka-password or --kafka-password-file"
		// A broker that goes down in the middle of a login gives no reason.
		f.Lasting = !strings.HasSuffix(err.Error(), code.Error())
	case c.KafkaSecurity.SASL != "" && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		f.What += " hangs up"
		f.Remedy = "wait until it has started, or check --kafka-user and --kafka-password, and whether it wants --kafka-tls"
		f.Lasting = false
	case code == kafkago.UnsupportedSASLMechanism, code == kafkago.IllegalSASLState:
		f.What += fmt.Sprintf(" does not take logins by %s", c.KafkaSecurity.SASL)
		f.Remedy = "set --kafka-sasl to a mechanism that its listener has, or take it away"
	case code == kafkago.ClusterAuthorizationFailed, code == kafkago.TopicAuthorizationFailed:
		f.What += " refuses the user"
		f.Remedy = "let the user of --kafka-user describe the cluster and create, describe, read and write topics that begin with cohort."
	case untrusted(err):
		f.What += " shows a certificate that is not trusted"
		f.Remedy = "name the file of its authority with --kafka-ca, and the host by the name in the certificate"
	case speaksPlain(err):
		f.What += " does not speak TLS"
		f.Remedy = "take --kafka-tls and --kafka-ca away, or name the port of its TLS listener with --kafka"
	default:
		f.What += " does not answer"
		f.Remedy = "start it, or name another with --kafka"
		if c.KafkaSecurity.SASL == "" || !c.KafkaSecurity.TLS && c.KafkaSecurity.CA == "" {
			f.Remedy += "; if it asks for TLS or a login, set --kafka-tls and --kafka-sasl"
		}
		f.Lasting = false
	}
	return f
}
