package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
)

// busyServer answers 503 so many times before it takes a submission. It returns
// the idempotency keys that it was sent.
func busyServer(t *testing.T, times int) (address string, keys func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Idempotency-Key"))
		if len(seen) <= times {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": api.Error{Code: api.CodeStore, Message: "the object store does not answer", Remedy: "try again"}})
			return
		}
		// The first try had made the job; its answer was lost.
		_ = json.NewEncoder(w).Encode(api.Job{ID: "example-1", State: api.StatePending})
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func specIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"job.yaml":    "name: example\nsteps: 3\npolicy: {kind: linear, features: 3}\nagent: {url: \"http://127.0.0.1:8090/\"}\ntasks: {data: tasks.jsonl, groups: 2}\noptimizer: {learning_rate: 0.1}\n",
		"tasks.jsonl": "{}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "job.yaml")
}

func TestBusyServerIsAskedAgainUnderTheSameKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "mine"} {
		address, keys := busyServer(t, 2)
		var out strings.Builder
		c := submitCommand{File: specIn(t), Key: key, Wait: time.Minute, formatFlag: formatFlag{Output: formatTable}, serverFlags: serverFlags{Server: address}}
		if err := c.Run(t.Context(), &streams{nil, &out, io.Discard}); err != nil {
			t.Fatal(err)
		}
		seen := keys()
		if len(seen) != 3 || seen[0] == "" || seen[0] != seen[1] || seen[1] != seen[2] || key != "" && seen[0] != key {
			t.Errorf("key %q: sent were %q", key, seen)
		}
		if want := key == ""; strings.Contains(out.String(), "Submitted job example-1.") != want {
			t.Errorf("key %q: %s", key, out.String())
		}
	}
}

func TestBusyServerIsLeftWhenTheWaitIsOver(t *testing.T) {
	t.Parallel()
	address, keys := busyServer(t, 1<<20)
	c := submitCommand{File: specIn(t), Wait: 300 * time.Millisecond, serverFlags: serverFlags{Server: address}}
	err := c.Run(t.Context(), &streams{nil, io.Discard, io.Discard})
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v after %d tries", err, len(keys()))
	}
}
