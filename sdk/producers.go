package sdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
)

// maxProducers bounds the topics that the agent keeps connections for.
const maxProducers = 16

// producers holds one telemetry producer for each topic that attempts send
// events to. Attempts share it; the one unused for longest makes room.
type producers struct {
	budget time.Duration // for closing a producer
	sasl   sasl.Mechanism
	tls    *tls.Config
	redact redact.Redactor

	mu     sync.Mutex // guards what follows
	byKey  map[string]*shared
	turn   uint64
	closed bool
}

type shared struct {
	producer *telemetry.Producer
	users    int
	used     uint64 // the turn of the last use
}

func newProducers(budget time.Duration, security telemetry.Security, secrets redact.Redactor) (*producers, error) {
	mechanism, err := security.Mechanism()
	if err != nil {
		return nil, err
	}
	secured, err := security.TLSConfig()
	if err != nil {
		return nil, err
	}
	return &producers{budget: budget, sasl: mechanism, tls: secured, redact: secrets, byKey: make(map[string]*shared)}, nil
}

// acquire returns the producer of a topic. The caller calls release when its
// events are flushed.
func (p *producers) acquire(ctx context.Context, to agent.TracesAddress) (producer *telemetry.Producer, release func(), err error) {
	key := strings.Join(append([]string{to.Topic}, to.Brokers...), "\n")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, fmt.Errorf("%w: the agent is being stopped", agent.ErrUnavailable)
	}
	s, ok := p.byKey[key]
	if !ok {
		if err := p.makeRoom(ctx); err != nil {
			return nil, nil, err
		}
		made, err := telemetry.NewProducer(telemetry.Config{Brokers: to.Brokers, Topic: to.Topic, SASL: p.sasl, TLS: p.tls, Redact: p.redact}) //nolint:contextcheck // it outlives the attempt that needs it first
		if err != nil {
			return nil, nil, err
		}
		s = &shared{producer: made}
		p.byKey[key] = s
	}
	p.turn++
	s.used = p.turn
	s.users++
	return s.producer, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		s.users--
	}, nil
}

// makeRoom closes the producer that nobody uses and nobody used for longest,
// when there are too many. The caller holds mu.
func (p *producers) makeRoom(ctx context.Context) error {
	if len(p.byKey) < maxProducers {
		return nil
	}
	oldest := ""
	for key, s := range p.byKey {
		if s.users == 0 && (oldest == "" || s.used < p.byKey[oldest].used) {
			oldest = key
		}
	}
	if oldest == "" {
		return fmt.Errorf("%w: attempts of %d topics are running", agent.ErrUnavailable, maxProducers)
	}
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	s := p.byKey[oldest]
	delete(p.byKey, oldest)
	// Every attempt has flushed its own events, so a failure here loses none.
	_, _ = s.producer.Close(ctx)
	return nil
}

// close closes all producers, at most for the budget. It is called when no
// attempt runs any more.
func (p *producers) close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	var failures []error
	for key, s := range p.byKey {
		// Each attempt has answered for its own events.
		if _, err := s.producer.Close(ctx); err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
			failures = append(failures, fmt.Errorf("close telemetry: %w", err))
		}
		delete(p.byKey, key)
	}
	return errors.Join(failures...)
}
