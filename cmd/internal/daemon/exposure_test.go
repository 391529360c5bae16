package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/services"
)

const token = "0123456789abcdef"

func coordinatorOf(listen, metrics string, e daemon.Exposure) error {
	c := daemon.CoordinatorConfig{
		Config: where(), Exposure: e, Listen: listen, MetricsListen: metrics,
		Lease: time.Second, Rescan: time.Second, Poll: time.Second, Grace: time.Second,
	}
	return c.Validate()
}

func workerOf(listen, advertise string, e daemon.Exposure) error {
	c := daemon.WorkerConfig{Config: where(), Exposure: e, Listen: listen, Advertise: advertise, Shards: 1, Check: time.Second, Grace: time.Second}
	return c.Validate()
}

func where() services.Config {
	return services.Config{Redis: []string{"127.0.0.1:6379"}, Kafka: []string{"127.0.0.1:9092"}, Store: "file:///tmp/store", Wait: time.Second}
}

func TestListenersLeaveLoopbackOnlyGuarded(t *testing.T) {
	t.Parallel()
	guarded := daemon.Exposure{TLSCert: "cert.pem", TLSKey: "key.pem", Token: token}
	for _, allowed := range []error{
		coordinatorOf("127.0.0.1:7070", "localhost:0", daemon.Exposure{}),
		coordinatorOf("[::1]:7070", "", daemon.Exposure{Token: token}),
		coordinatorOf("10.0.0.7:7070", "0.0.0.0:7071", guarded),
		workerOf("127.0.0.1:0", "", daemon.Exposure{}),
		workerOf("10.0.0.7:0", "", guarded),
		workerOf("0.0.0.0:7411", "https://worker-1:7411", guarded),
	} {
		if allowed != nil {
			t.Error(allowed)
		}
	}
	for _, exposed := range []daemon.Exposure{
		{},
		{Token: token},
		{TLSCert: "cert.pem", TLSKey: "key.pem"},
	} {
		for _, err := range []error{
			coordinatorOf("0.0.0.0:7070", "", exposed),
			coordinatorOf(":7070", "", exposed),
			coordinatorOf("cohort.example:7070", "", exposed),
			coordinatorOf("127.0.0.1:7070", "10.0.0.7:7071", exposed),
			workerOf("10.0.0.7:0", "", exposed),
		} {
			if err == nil {
				t.Errorf("%+v is let beyond loopback", exposed)
				continue
			}
			for _, flag := range []string{"listen", "--tls-cert", "--tls-key", "--token-file", "COHORT_TOKEN"} {
				if !strings.Contains(err.Error(), flag) {
					t.Errorf("%v does not name %s", err, flag)
				}
			}
		}
	}
}

func TestWrongExposureIsRefusedByName(t *testing.T) {
	t.Parallel()
	short := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(short, []byte("  fifteen letters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	guarded := daemon.Exposure{TLSCert: "cert.pem", TLSKey: "key.pem", Token: token}
	for want, err := range map[string]error{
		"--tls-cert and --tls-key": coordinatorOf("127.0.0.1:0", "", daemon.Exposure{TLSCert: "cert.pem"}),
		"at least 16":              coordinatorOf("127.0.0.1:0", "", daemon.Exposure{TokenFile: short}),
		"given twice":              coordinatorOf("127.0.0.1:0", "", daemon.Exposure{Token: token, TokenFile: short}),
		"--token-file: open":       coordinatorOf("127.0.0.1:0", "", daemon.Exposure{TokenFile: short + "s"}),
		"HOST:PORT":                coordinatorOf("7070", "", daemon.Exposure{}),
		"--metrics-listen":         coordinatorOf("127.0.0.1:0", "7071", daemon.Exposure{}),
		"--advertise":              workerOf("0.0.0.0:7411", "", guarded),
		"base URL":                 workerOf("127.0.0.1:0", "worker-1:7411", daemon.Exposure{}),
		"use https":                workerOf("0.0.0.0:7411", "http://worker-1:7411", guarded),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
		if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "fifteen")) {
			t.Errorf("the token is told: %v", err)
		}
	}
}
