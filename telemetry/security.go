package telemetry

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/trust"
)

// Security is how to be let in by a Kafka cluster. Its zero value is a plain
// connection. The tags are those of coordinator, worker and agents alike, for
// programs that read flags and environment with kong.
type Security struct {
	// SASL is the mechanism of the login: plain, scram-sha-256 or
	// scram-sha-512; empty for none.
	SASL string `name:"kafka-sasl" env:"COHORT_KAFKA_SASL" placeholder:"MECHANISM" group:"Kafka" help:"How to log in to Kafka: plain, scram-sha-256 or scram-sha-512."`
	User string `name:"kafka-user" env:"COHORT_KAFKA_USER" placeholder:"NAME" group:"Kafka" help:"User of Kafka."`
	// Password, or the file that holds it.
	Password     secret.Text `name:"kafka-password" env:"COHORT_KAFKA_PASSWORD" placeholder:"SECRET" group:"Kafka" help:"Password of Kafka. Rather use the environment or a file: others can read a command line."`
	PasswordFile string      `name:"kafka-password-file" env:"COHORT_KAFKA_PASSWORD_FILE" placeholder:"FILE" group:"Kafka" help:"File with the password of Kafka."`
	// TLS encrypts the connections; CA, a PEM file of authorities to trust beside
	// the system's, implies it.
	TLS bool   `name:"kafka-tls" env:"COHORT_KAFKA_TLS" group:"Kafka" help:"Speak TLS with Kafka."`
	CA  string `name:"kafka-ca" env:"COHORT_KAFKA_CA" placeholder:"FILE" group:"Kafka" help:"PEM file of authorities to trust beside the system's; implies --kafka-tls."`
}

// SecurityFromEnvironment reads COHORT_KAFKA_SASL, _USER, _PASSWORD,
// _PASSWORD_FILE, _TLS and _CA through getenv, such as os.Getenv. An agent that
// has no flags of its own for them is let in where the workers are.
func SecurityFromEnvironment(getenv func(string) string) (Security, error) {
	s := Security{
		SASL: getenv("COHORT_KAFKA_SASL"), User: getenv("COHORT_KAFKA_USER"),
		Password: secret.Text(getenv("COHORT_KAFKA_PASSWORD")), PasswordFile: getenv("COHORT_KAFKA_PASSWORD_FILE"),
		CA: getenv("COHORT_KAFKA_CA"),
	}
	if text := getenv("COHORT_KAFKA_TLS"); text != "" {
		var err error
		if s.TLS, err = strconv.ParseBool(text); err != nil {
			return s, fmt.Errorf("COHORT_KAFKA_TLS %q: use true or false", text)
		}
	}
	return s, nil
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
