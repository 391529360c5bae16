//go:build services

package integration_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// recorderUser is who producers log in as while others use the account of up.
const recorderUser = "recorder"

// accountsAddUpThroughRefusedLogins takes the producers' account away in the
// middle, with all connections, and gives it back later.
func accountsAddUpThroughRefusedLogins(t *testing.T, s *stage, env services) {
	t.Helper()
	security := telemetry.Security{
		SASL: "scram-sha-512", User: env["COHORT_KAFKA_USER"], Password: secret.Text(env["COHORT_KAFKA_PASSWORD"]), CA: env["COHORT_KAFKA_CA"],
	}
	var err error
	if s.tls, err = security.TLSConfig(); err != nil {
		t.Fatal(err)
	}
	login, err := security.Mechanism()
	if err != nil {
		t.Fatal(err)
	}
	admin := newClient(t, s.brokers(), &kafkago.Transport{TLS: s.tls, SASL: login})
	password := uuid.NewString()
	if s.sasl, err = scram.Mechanism(scram.SHA512, recorderUser, password); err != nil {
		t.Fatal(err)
	}
	letIn(t, admin, password)
	s.blow(t, storm{
		lasts: max(time.Duration(number("outage"))*time.Second, 3*time.Second), // a budget is a second
		begin: func(t *testing.T) {
			t.Helper()
			alterAccounts(t, admin, &kafkago.AlterUserScramCredentialsRequest{
				Deletions: []kafkago.UserScramCredentialsDeletion{{Name: recorderUser, Mechanism: kafkago.ScramMechanismSha512}},
			})
			s.cut(t)
		},
		end: func(t *testing.T) { t.Helper(); letIn(t, admin, password) },
		faults: []fault{
			{name: "login refused"},
			{name: "login refused beyond the budget", config: impatient},
		},
	}, uint64(number("events")))
}

// letIn makes the producers' account.
func letIn(t *testing.T, admin *kafkago.Client, password string) {
	t.Helper()
	const iterations = 4096
	salt := []byte("of no other account")
	salted, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
	if err != nil {
		t.Fatal(err)
	}
	alterAccounts(t, admin, &kafkago.AlterUserScramCredentialsRequest{Upsertions: []kafkago.UserScramCredentialsUpsertion{{
		Name: recorderUser, Mechanism: kafkago.ScramMechanismSha512, Iterations: iterations, Salt: salt, SaltedPassword: salted,
	}}})
}

func alterAccounts(t *testing.T, admin *kafkago.Client, request *kafkago.AlterUserScramCredentialsRequest) {
	t.Helper()
	r, err := admin.AlterUserScramCredentials(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range r.Results {
		if result.Error != nil {
			t.Fatal(result.Error)
		}
	}
}
