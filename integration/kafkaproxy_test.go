//go:build services

package integration_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/traces/kafka"
)

// stage is where faults happen: a Kafka of its own behind a proxy, and another
// one for the dead letters.
type stage struct {
	folder      folder
	environment []string // of up
	proxy       *toxiproxy.Proxy
	other       []string
	tls         *tls.Config
	sasl        sasl.Mechanism
	rows        []row // of the faults so far
}

// startStage starts Kafka, which tells its clients the proxy's address, with
// what up is to start beside it.
func startStage(t *testing.T, words ...string) *stage {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	direct := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := &stage{proxy: behind(t, direct), other: []string{realServices(t)["COHORT_KAFKA"]}}
	s.folder = own(t)
	s.environment = []string{"SERVICES_KAFKA_PORT=" + portOf(t, direct), "SERVICES_KAFKA_ADVERTISED=" + s.proxy.Listen}
	s.up(t, words...)
	return s
}

func (s *stage) up(t *testing.T, words ...string) {
	t.Helper()
	up := s.folder.script("up", words...)
	up.Env = append(up.Env, s.environment...)
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
}

// brokers is where clients reach the stage's Kafka.
func (s *stage) brokers() []string { return []string{s.proxy.Listen} }

// cut ends all connections; new ones are taken.
func (s *stage) cut(t *testing.T) {
	t.Helper()
	s.proxy.Stop()
	if err := s.proxy.Start(); err != nil {
		t.Error(err)
	}
}

// loseAnswers lets requests through and cuts each connection once it has
// brought that much of answers.
func (s *stage) loseAnswers(t *testing.T, bytes int) {
	t.Helper()
	_, err := s.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":"cut","type":"limit_data","stream":"downstream","attributes":{"bytes":%d}}`, bytes)))
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) keepAnswers(t *testing.T) {
	t.Helper()
	if err := s.proxy.Toxics.RemoveToxic(t.Context(), "cut"); err != nil {
		t.Error(err)
	}
}

func (s *stage) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(s.folder.pid(t, "kafka"), signal); err != nil {
		t.Fatal(err)
	}
}

// client speaks to the stage's Kafka.
func (s *stage) client(t *testing.T) *kafkago.Client {
	t.Helper()
	return newClient(t, s.brokers(), &kafkago.Transport{TLS: s.tls, SASL: s.sasl})
}

func newClient(t *testing.T, brokers []string, transport *kafkago.Transport) *kafkago.Client {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(brokers...), Transport: transport, Timeout: 30 * time.Second}
}

// logs opens the stage's log for reading.
func (s *stage) logs() kafka.Config {
	return kafka.Config{Brokers: s.brokers(), TLS: s.tls, SASL: s.sasl}
}

// createTopic makes a topic.
func createTopic(t *testing.T, client *kafkago.Client, topic string, partitions int, entries ...kafkago.ConfigEntry) {
	t.Helper()
	persist(t, func() error {
		r, err := client.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
			{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries},
		}})
		if err == nil {
			err = r.Errors[topic]
		}
		if errors.Is(err, kafkago.TopicAlreadyExists) {
			return nil
		}
		return err
	})
}

// persist asks a broker until it does what it is asked: on a busy machine it may
// be silent for longer than a request waits.
func persist(t *testing.T, ask func() error) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-late:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
