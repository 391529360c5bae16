package telemetry

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/trust"
)

// Security is how to be let in by a Kafka cluster. Its zero value is a plain
// connection. An agent reads it from COHORT_KAFKA_SASL, _USER, _PASSWORD,
// _PASSWORD_FILE, _TLS and _CA, as coordinator and worker do.
type Security struct {
	// SASL is the mechanism of the login: plain, scram-sha-256 or
	// scram-sha-512; empty for none.
	SASL string
	User string
	// Password, or the file that holds it.
	Password     secret.Text
	PasswordFile string
	// TLS encrypts the connections; CA, a PEM file of authorities to trust beside
	// the system's, implies it.
	TLS bool
	CA  string
}

// Mechanisms are what Security.SASL may be besides empty.
const Mechanisms = "plain, scram-sha-256, scram-sha-512"

// Validate names the first setting that does not go with the others. It reads
// no file.
func (s Security) Validate() error {
	switch strings.ToLower(s.SASL) {
	case "":
		if s.User != "" || s.Password != "" || s.PasswordFile != "" {
			return fmt.Errorf("--kafka-sasl is not set, but a user or a password is: set it to one of %s", Mechanisms)
		}
		return nil
	case "plain", "scram-sha-256", "scram-sha-512":
	default:
		return fmt.Errorf("--kafka-sasl %q: use one of %s", s.SASL, Mechanisms)
	}
	switch {
	case s.User == "":
		return fmt.Errorf("--kafka-user is not set: --kafka-sasl %s needs it", s.SASL)
	case s.Password == "" && s.PasswordFile == "":
		return fmt.Errorf("--kafka-password is not set: --kafka-sasl %s needs it, or --kafka-password-file", s.SASL)
	case s.Password != "" && s.PasswordFile != "":
		return fmt.Errorf("--kafka-password and --kafka-password-file are both set: take one away")
	}
	return nil
}

// Mechanism returns the login for Config.SASL, nil for none.
func (s Security) Mechanism() (sasl.Mechanism, error) {
	if err := s.Validate(); err != nil || s.SASL == "" {
		return nil, err
	}
	password, err := secret.Choose(s.Password, s.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("--kafka-password-file: %w", err)
	}
	switch strings.ToLower(s.SASL) {
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, password.Reveal())
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, password.Reveal())
	}
	return plain.Mechanism{Username: s.User, Password: password.Reveal()}, nil
}

// TLSConfig returns the settings for Config.TLS, nil for connections in plain
// text.
func (s Security) TLSConfig() (*tls.Config, error) {
	if !s.TLS && s.CA == "" {
		return nil, nil
	}
	config, err := trust.Client(s.CA)
	if err != nil {
		return nil, fmt.Errorf("--kafka-ca: %w", err)
	}
	return config, nil
}
