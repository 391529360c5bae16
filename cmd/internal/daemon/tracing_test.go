package daemon_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
)

func TestWrongTracesEndpointIsRefusedByName(t *testing.T) {
	t.Parallel()
	wrong := daemon.Tracing{TracesEndpoint: "collector:4317"}
	c := daemon.CoordinatorConfig{
		Config: where(), Tracing: wrong, Listen: "127.0.0.1:0",
		Lease: time.Second, Rescan: time.Second, Poll: time.Second, Grace: time.Second,
	}
	w := daemon.WorkerConfig{Config: where(), Tracing: wrong, Listen: "127.0.0.1:0", Shards: 1, Check: time.Second, Grace: time.Second}
	for _, err := range []error{c.Validate(), w.Validate()} {
		if err == nil || !strings.Contains(err.Error(), "--traces-endpoint") {
			t.Errorf("error is %v, want one that names --traces-endpoint", err)
		}
	}
}
