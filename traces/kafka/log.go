package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/traces"
)

const (
	clientID    = "cohort"
	dialTimeout = 5 * time.Second
	// metadataTTL is how old the known layout of the cluster may be. A request
	// that fails because of it looks again at once.
	metadataTTL = 2 * time.Second
	// requestTimeout bounds one attempt; the context bounds all of them.
	requestTimeout = 10 * time.Second
)

// Log reads and writes topics of one cluster. It is safe for concurrent use.
type Log struct {
	client    *kafka.Client
	transport *kafka.Transport
	outage    outage
	fetched   atomic.Int64
}

var _ traces.Log = (*Log)(nil)

// Config is where a cluster is and how to be let in. Only Brokers is required.
type Config struct {
	// Brokers are addresses, host:port, to find the cluster by.
	Brokers []string
	// SASL and TLS secure the connections; nil leaves them plain.
	SASL sasl.Mechanism
	TLS  *tls.Config
}

// Open returns the log of the cluster that the brokers belong to. It connects
// when it is used. Close ends its connections.
func Open(c Config) (*Log, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("open kafka: no broker given; name at least one as host:port")
	}
	transport := &kafka.Transport{
		ClientID: clientID, DialTimeout: dialTimeout, MetadataTTL: metadataTTL, SASL: c.SASL, TLS: c.TLS,
	}
	return &Log{
		client:    &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: transport, Timeout: requestTimeout},
		transport: transport,
	}, nil
}

// Close ends the connections that are not in use, and the others once they are
// idle. It may be called more than once.
func (l *Log) Close() { l.transport.CloseIdleConnections() }

// forget drops what is known of the cluster's layout, so that the next request
// asks for it.
func (l *Log) forget() { l.transport.CloseIdleConnections() }

func at(topic string, partition int) string { return fmt.Sprintf("%s/%d", topic, partition) }
