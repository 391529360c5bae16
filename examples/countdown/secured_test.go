package countdown_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/telemetry"
)

func TestAttemptLeavesItsThreadInAKafkaThatAsksForALoginAndTLS(t *testing.T) {
	t.Parallel()
	model := httptest.NewTLSServer(nil) // for its certificate
	defer model.Close()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", "agent", "hunter2"), kfake.TLS(model.TLS))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: model.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	security, err := telemetry.SecurityFromEnvironment(func(name string) string {
		return map[string]string{
			"COHORT_KAFKA_SASL": "scram-sha-512", "COHORT_KAFKA_USER": "agent",
			"COHORT_KAFKA_PASSWORD": "hunter2", "COHORT_KAFKA_CA": ca,
		}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	s := startSystemOn(t, broker.ListenAddrs()[0], security)
	answer, err := s.client.Attempt(within(t), s.request(threadOf(0), heldOut(t)[0], 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.threads()[threadOf(0)]; len(got) == 0 || uint64(len(got)) != answer.Events {
		t.Errorf("%d events in the log, the agent says %d", len(got), answer.Events)
	}
}

func TestAgentWithHalfALoginDoesNotStart(t *testing.T) {
	t.Parallel()
	err := countdown.Serve(t.Context(), countdown.Config{
		Listen: "127.0.0.1:0", Kafka: telemetry.Security{SASL: "plain", User: "agent"},
	})
	if err == nil || !strings.Contains(err.Error(), "--kafka-password") {
		t.Errorf("error is %v", err)
	}
}
