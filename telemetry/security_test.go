package telemetry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestSecurityComesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"COHORT_KAFKA_SASL": "SCRAM-SHA-256", "COHORT_KAFKA_USER": "agent",
		"COHORT_KAFKA_PASSWORD_FILE": file, "COHORT_KAFKA_TLS": "1",
	}
	s, err := telemetry.SecurityFromEnvironment(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	mechanism, err := s.Mechanism()
	if err != nil || mechanism.Name() != "SCRAM-SHA-256" {
		t.Errorf("%v, %v", mechanism, err)
	}
	if config, err := s.TLSConfig(); err != nil || config == nil || config.InsecureSkipVerify {
		t.Errorf("%+v, %v", config, err)
	}
	environment["COHORT_KAFKA_TLS"] = "perhaps"
	if _, err := telemetry.SecurityFromEnvironment(func(name string) string { return environment[name] }); err == nil || !strings.Contains(err.Error(), "COHORT_KAFKA_TLS") {
		t.Errorf("error is %v", err)
	}
}

func TestNoSecurityIsAPlainConnection(t *testing.T) {
	t.Parallel()
	var s telemetry.Security
	if mechanism, err := s.Mechanism(); err != nil || mechanism != nil {
		t.Errorf("%v, %v", mechanism, err)
	}
	if config, err := s.TLSConfig(); err != nil || config != nil {
		t.Errorf("%v, %v", config, err)
	}
}

func TestHalfALoginIsRefusedWithoutTellingIt(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]telemetry.Security{
		"--kafka-sasl is not set":                 {Password: "hunter2"},
		"--kafka-sasl \"kerberos\"":               {SASL: "kerberos", User: "x", Password: "hunter2"},
		"--kafka-user is not set":                 {SASL: "plain", Password: "hunter2"},
		"--kafka-password is not set":             {SASL: "plain", User: "x"},
		"--kafka-password and --kafka-password-f": {SASL: "plain", User: "x", Password: "hunter2", PasswordFile: "y"},
		"--kafka-password-file: " + empty:         {SASL: "plain", User: "x", PasswordFile: empty},
	} {
		_, err := s.Mechanism()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, s, s); strings.Contains(text, "hunter2") {
			t.Errorf("a secret is told: %s", text)
		}
	}
}
