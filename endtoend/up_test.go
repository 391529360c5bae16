package endtoend_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

// system is a running Cohort, as a client sees it.
type system struct {
	api   *api.Client
	store blob.Bucket
}

func newClient(t *testing.T, address string) *api.Client {
	t.Helper()
	client, err := api.NewClient(address, api.Access{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// openStore opens the store of a system that runs.
func openStore(t *testing.T, address string) blob.Bucket {
	t.Helper()
	store, err := open.Open(context.WithoutCancel(t.Context()), address, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// running is a cohort up that tests share: each submits jobs of its own.
type running struct {
	once    sync.Once
	dir     string
	process *process
	err     error
}

var up running // one system serves all tests that do it no harm

// sharedSystem is a system of one process with two workers.
func sharedSystem(t *testing.T) system {
	t.Helper()
	path := program(t)
	up.once.Do(func() {
		if up.dir, up.err = os.MkdirTemp("", "cohort-up-"); up.err == nil { //nolint:usetesting // it outlives the test that needs it first
			up.process, up.err = start(path, nil, "up", "--dir", up.dir, "--workers", "1", "--listen", "127.0.0.1:0")
		}
	})
	if up.err != nil {
		t.Fatal(up.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("cohort up said:\n%s", &up.process.log)
		}
	})
	return systemOf(t, up.process)
}

// ownSystem is a system of one process that the test has for itself.
func ownSystem(t *testing.T, workers string) system {
	t.Helper()
	return systemOf(t, launch(t, "cohort", nil, "up", "--dir", t.TempDir(), "--workers", workers, "--listen", "127.0.0.1:0"))
}

// systemOf waits until cohort up says that it is ready.
func systemOf(t *testing.T, p *process) system {
	t.Helper()
	ctx := trained.Within(t, time.Minute)
	var found [2]string
	for i, what := range []string{"API:", "Store:"} {
		line, err := p.out.await(ctx, what)
		if err != nil {
			t.Fatalf("%v\n%s", err, &p.log)
		}
		found[i] = strings.TrimSpace(strings.TrimPrefix(line, what))
	}
	return system{newClient(t, found[0]), openStore(t, found[1])}
}

func (r *running) stop() error {
	if r.process == nil {
		return r.err
	}
	return errors.Join(r.process.stop(), os.RemoveAll(r.dir))
}
