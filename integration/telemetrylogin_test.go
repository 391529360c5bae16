//go:build services

package integration_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// forgetful is a login whose password is wrong while it says so.
type forgetful struct {
	sasl.Mechanism
	wrong  sasl.Mechanism
	forgot atomic.Bool
}

// Start begins a login.
func (f *forgetful) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	if f.forgot.Load() {
		return f.wrong.Start(ctx)
	}
	return f.Mechanism.Start(ctx)
}

// accountsAddUpThroughRefusedLogins cuts all connections in the middle, and lets
// the broker refuse the logins of the next ones for a while.
func accountsAddUpThroughRefusedLogins(t *testing.T, s *stage, env services) {
	t.Helper()
	security := telemetry.Security{
		SASL: "scram-sha-512", User: env["COHORT_KAFKA_USER"], Password: secret.Text(env["COHORT_KAFKA_PASSWORD"]), CA: env["COHORT_KAFKA_CA"],
	}
	var err error
	if s.tls, err = security.TLSConfig(); err != nil {
		t.Fatal(err)
	}
	login := &forgetful{}
	if login.Mechanism, err = security.Mechanism(); err != nil {
		t.Fatal(err)
	}
	security.Password = "not-this"
	if login.wrong, err = security.Mechanism(); err != nil {
		t.Fatal(err)
	}
	s.sasl = login
	s.blow(t, storm{
		lasts: max(time.Duration(number("outage"))*time.Second, 3*time.Second), // a budget is a second
		begin: func(t *testing.T) {
			t.Helper()
			login.forgot.Store(true)
			s.cut(t)
		},
		end: func(*testing.T) { login.forgot.Store(false) },
		faults: []fault{
			{name: "login refused"},
			{name: "login refused beyond the budget", config: impatient},
		},
	}, uint64(number("events")))
	s.print(t)
}
