package fs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
)

// machine runs processes on a disk and, wherever they are, looks at everything
// that a loss of power would leave.
type machine struct {
	t       *testing.T
	root    string // of the disk
	disk    *disk
	calls   int
	dies    int // the first process dies in place of this call; -1 for never
	dead    bool
	made    bool                           // a store was acknowledged
	allowed map[string]map[string]struct{} // key to what it may hold; "" is nothing
	seen    map[string]bool                // wrecks that were looked at
}

func boot(t *testing.T, dies int, seen map[string]bool) *machine {
	t.Helper()
	root := t.TempDir()
	return &machine{t: t, root: root, disk: newDisk(root), dies: dies, allowed: map[string]map[string]struct{}{}, seen: seen}
}

func (m *machine) dir() string { return filepath.Join(m.root, "a", "store") }

var errDied = errors.New("the process died")

// first is how the process makes its calls that dies.
func (m *machine) first(do func() (fs.Call, error)) error {
	if m.dead = m.dead || m.calls == m.dies; m.dead {
		return errDied
	}
	return m.others(do)
}

// others is how the processes make theirs that go on.
func (m *machine) others(do func() (fs.Call, error)) error {
	call, err := do()
	if err == nil {
		m.calls++
		m.disk.change(call)
		m.lose()
	}
	return err
}

// lose looks at what may be found if the power is lost now.
func (m *machine) lose() {
	m.t.Helper()
	if m.t.Failed() || m.dies >= 0 && m.calls < m.dies {
		return // one is enough; this was looked at when the process died later
	}
	expected := fmt.Sprint(m.made, m.allowed)
	m.disk.wrecks(m.root, filepath.Join(m.dir(), ".cohort", "tmp"), func(w wreck) {
		key := expected + w.key()
		if !m.seen[key] && !m.t.Failed() {
			m.seen[key] = true
			m.inspect(w)
		}
	})
}

// inspect opens what was found.
func (m *machine) inspect(w wreck) {
	m.t.Helper()
	root := m.t.TempDir()
	for _, path := range slices.Sorted(maps.Keys(w)) {
		var err error
		name := filepath.Join(root, path)
		if strings.HasSuffix(path, "/") {
			err = os.Mkdir(name, 0o700)
		} else {
			err = os.WriteFile(name, []byte(w[path]), 0o600)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	if err := m.check(filepath.Join(root, "a", "store")); err != nil {
		m.t.Errorf("after %d calls, the process dead: %v, power is lost: %v\nfound %s", m.calls, m.dead, err, w.key())
	}
	if err := os.RemoveAll(root); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) check(dir string) error {
	open := fs.Create
	if m.made {
		open = fs.Open
	}
	b, err := open(dir)
	if err != nil {
		return err
	}
	if _, err := b.Sweep(m.t.Context()); err != nil {
		return err
	}
	if left := len(listDir(m.t, filepath.Join(dir, ".cohort", "tmp"))); left > 0 {
		return fmt.Errorf("a sweep leaves %d temporary files", left)
	}
	holds := map[string]string{}
	for info, err := range b.List(m.t.Context(), "", "") {
		if err != nil {
			return err
		}
		object, err := b.Get(m.t.Context(), info.Key)
		if err != nil {
			return err
		}
		holds[info.Key] = string(object.Body)
		if _, known := m.allowed[info.Key]; !known {
			return fmt.Errorf("%s is there, which nobody put", info.Key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.allowed)) {
		if _, ok := m.allowed[key][holds[key]]; !ok {
			return fmt.Errorf("%s holds %q, want one of %q", key, holds[key], slices.Sorted(maps.Keys(m.allowed[key])))
		}
	}
	return nil
}

// create makes the store.
func (m *machine) create(around fs.Around) *fs.Bucket {
	m.t.Helper()
	b, err := fs.CreateAround(around, m.dir())
	if err == nil {
		m.made = true
		m.lose()
	} else if !errors.Is(err, errDied) {
		m.t.Fatal(err)
	}
	return b
}

// enter opens the store where the dead have left one, or else creates it.
func (m *machine) enter() *fs.Bucket {
	m.t.Helper()
	b, err := fs.OpenAround(m.others, m.dir())
	if err != nil {
		return m.create(m.others)
	}
	return b
}

// try lets key become content, and once that is acknowledged, nothing else. Who
// is told that a condition does not hold may rely on what is there instead.
func (m *machine) try(b *fs.Bucket, key, content string, change func(ctx context.Context) error) error {
	m.t.Helper()
	if m.allowed[key] == nil {
		m.allowed[key] = map[string]struct{}{"": {}}
	}
	m.allowed[key][content] = struct{}{}
	err := change(m.t.Context())
	switch {
	case errors.Is(err, errDied):
		return err
	case err != nil:
		object, getErr := b.Get(m.t.Context(), key)
		if getErr != nil || !errors.Is(err, blob.ErrExists) && !errors.Is(err, blob.ErrStale) {
			m.t.Fatal(err, getErr)
		}
		content = string(object.Body)
	}
	m.allowed[key] = map[string]struct{}{content: {}}
	m.lose()
	return err
}

func (m *machine) put(b *fs.Bucket, key, content string, cond blob.Condition) (version blob.Version) {
	m.t.Helper()
	_ = m.try(b, key, content, func(ctx context.Context) (err error) {
		version, err = b.Put(ctx, key, []byte(content), cond)
		return err
	})
	return version
}

func TestNothingAcknowledgedIsLostWithThePower(t *testing.T) {
	t.Parallel()
	m := boot(t, -1, map[string]bool{})
	b := m.create(m.others)
	m.put(b, "log/1", "one", blob.IfAbsent())
	m.put(b, "log/2", "two", blob.IfAbsent())
	m.put(b, "log/2", "two", blob.IfAbsent())
	m.put(b, "log/2", "another's", blob.IfAbsent())
	m.put(b, "head", "first", blob.Always())
	version := m.put(b, "head", "second", blob.Always())
	m.put(b, "head", "third", blob.IfMatch(version))
	m.put(b, "head", "stale", blob.IfMatch(version))
	_ = m.try(b, "log/1", "", func(ctx context.Context) error { return b.Delete(ctx, "log/1") })
	m.put(b, "log/1", "one again", blob.IfAbsent())
	m.put(b, "deep/er/and/deeper", "down", blob.IfAbsent())
	t.Logf("%d calls, %d states of the disk", m.calls, len(m.seen))
}

// One process dies at any of its calls, another goes on with what it left, and
// then the power is lost.
func TestNothingAcknowledgedIsLostWithAProcessAndThePower(t *testing.T) {
	t.Parallel()
	goOnWithWhatTheDeadLeft(t, func(m *machine) *fs.Bucket { return m.create(m.others) })
	goOnWithWhatTheDeadLeft(t, (*machine).enter)
}

func goOnWithWhatTheDeadLeft(t *testing.T, enter func(*machine) *fs.Bucket) {
	t.Helper()
	seen := map[string]bool{}
	for dies := 0; ; dies++ {
		m := boot(t, dies, seen)
		if b := m.create(m.first); !m.dead {
			m.put(b, "jobs/log/1", "of the dead", blob.IfAbsent())
			m.put(b, "jobs/log/1", "replaced by the dead", blob.Always())
		}
		died := m.dead
		m.lose()
		b := enter(m)
		m.put(b, "jobs/log/1", "of the living", blob.IfAbsent())
		m.put(b, "jobs/log/2", "two", blob.IfAbsent())
		if t.Failed() {
			return
		}
		if !died {
			t.Logf("%d deaths, %d states of the disk", dies, len(seen))
			return
		}
	}
}
