package telemetry_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

// T3, T8: what lies under the name of a secret reaches neither a state nor the
// differences from it, and numbers keep their digits.
func TestStatesAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var kept telemetry.Memory
	thread := telemetry.NewThread(&kept, "t")
	for n := range 3 {
		state := map[string]any{"step": n, "id": int64(9007199254740993), "login": map[string]any{"user": "a", "password": strings.Repeat("hunter2", n+1)}}
		if err := thread.State(t.Context(), "memory", state); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for _, e := range kept.Events() {
		all.Write(e.Body.(telemetry.State).Document)
	}
	if got := all.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "9007199254740993") || !strings.Contains(got, `"password":"[redacted]"`) {
		t.Errorf("recorded are %s", got)
	}
}
