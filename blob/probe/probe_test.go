package probe_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/probe"
)

func TestStoresThatKeepTheContractAreAcceptedAndLeftEmpty(t *testing.T) {
	t.Parallel()
	directory, err := fs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]blob.Bucket{"mem": mem.New(), "fs": directory} {
		checks, err := probe.Run(t.Context(), b, "nonce")
		if err != nil || len(checks) != 7 {
			t.Errorf("%s: %v after %+v, want seven checks", name, err, checks)
		}
		for _, check := range checks {
			if !check.OK || check.Name == "" || check.Expect == "" || check.Found == "" {
				t.Errorf("%s: check is not told in full: %+v", name, check)
			}
		}
		mustBeEmpty(t, b)
	}
}

// careless is a store that breaks one promise.
type careless struct {
	blob.Bucket
	ignores func(cond blob.Condition, body []byte) bool
}

func (c careless) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	if c.ignores(cond, body) {
		cond = blob.Always()
	}
	return c.Bucket.Put(ctx, key, body, cond)
}

func TestStoreThatIgnoresConditionsIsRefusedByName(t *testing.T) {
	t.Parallel()
	var raced atomic.Int32
	for want, ignores := range map[string]func(blob.Condition, []byte) bool{
		"create twice": func(cond blob.Condition, _ []byte) bool { return cond.Absent() },
		"stale replace": func(cond blob.Condition, _ []byte) bool {
			_, replaces := cond.Match()
			return replaces
		},
		"race to create": func(cond blob.Condition, body []byte) bool {
			return cond.Absent() && strings.HasPrefix(string(body), "writer") && raced.Add(1)%20 == 0
		},
		"race to replace": func(cond blob.Condition, body []byte) bool {
			return !cond.Absent() && strings.HasPrefix(string(body), "writer") && raced.Add(1)%20 == 0
		},
	} {
		b := careless{Bucket: mem.New(), ignores: ignores}
		checks, err := probe.Run(t.Context(), b, "nonce")
		if !errors.Is(err, probe.ErrUnfit) || !strings.Contains(err.Error(), want) {
			t.Errorf("store that fails at %q: %v, want it refused with that", want, err)
		}
		if len(checks) == 0 || checks[len(checks)-1].OK {
			t.Errorf("store that fails at %q: the failed check is not last in %+v", want, checks)
		}
		mustBeEmpty(t, b)
	}
}

// A server may answer that another write is under way; that says nothing about
// who wins.
func TestConflictsDuringARaceAreTriedAgain(t *testing.T) {
	t.Parallel()
	var puts atomic.Int32
	b := blobtest.NewFaulty(mem.New(), func(op, key string) blobtest.Fault {
		if op == "put" && strings.Contains(key, "race-") && puts.Add(1)%3 == 2 {
			return blobtest.Fault{Before: blob.ErrConflict}
		}
		return blobtest.Fault{}
	})
	checks, err := probe.Run(t.Context(), b, "nonce")
	if err != nil || len(checks) != 7 {
		t.Fatalf("%v after %+v, want seven checks", err, checks)
	}
}

// mixing is a store that keeps versions apart from contents, so that a read may
// give one with the other.
type mixing struct {
	blob.Bucket
	mu   sync.Mutex
	last blob.Version
}

func (m *mixing) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	version, err := m.Bucket.Put(ctx, key, body, cond)
	runtime.Gosched()
	if err == nil && strings.HasSuffix(key, "-read") {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.last = version
	}
	return version, err
}

func (m *mixing) Get(ctx context.Context, key string) (blob.Object, error) {
	m.mu.Lock()
	version := m.last
	m.mu.Unlock()
	runtime.Gosched()
	object, err := m.Bucket.Get(ctx, key)
	if strings.HasSuffix(key, "-read") {
		object.Version = version
	}
	return object, err
}

func TestStoreWhoseVersionsAreOthersContentsIsRefused(t *testing.T) {
	t.Parallel()
	// Whether a read comes in between is chance; that none does in all of these is not.
	for range 200 {
		_, err := probe.Run(t.Context(), &mixing{Bucket: mem.New()}, "nonce")
		if errors.Is(err, probe.ErrUnfit) && strings.Contains(err.Error(), "read while replaced") {
			return
		}
	}
	t.Fatal("it was accepted two hundred times")
}

func TestUnreachableStoreIsNotCalledUnfit(t *testing.T) {
	t.Parallel()
	b := blobtest.NewFaulty(mem.New(), func(op, _ string) blobtest.Fault {
		if op == "delete" {
			t.Error("the caller has to wait while it is asked to forget what it was never told")
		}
		return blobtest.Fault{Before: blob.ErrUnavailable}
	})
	_, err := probe.Run(t.Context(), b, "nonce")
	if errors.Is(err, probe.ErrUnfit) || !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("got %v, want only the store's error", err)
	}
}

func mustBeEmpty(t *testing.T, b blob.Bucket) {
	t.Helper()
	for info, err := range b.List(t.Context(), "", "") {
		t.Errorf("left behind: %s, %v", info.Key, err)
	}
}
