package training_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/job"
)

// A demo that was killed and resumed, whose objects were damaged meanwhile, ends
// at the checkpoint of the one that nothing happened to.
func TestDemoOutlivesDamageOf(t *testing.T) {
	t.Parallel()
	const steps = "3"
	whole := demo(t, t.TempDir(), "--steps", steps)
	for name, damage := range map[string]struct {
		objects func(t *testing.T, store string, j stopped) []string
		rewinds bool
		rare    bool // only with -damage
	}{
		"the newest checkpoint": {rare: true, objects: func(t *testing.T, _ string, j stopped) []string {
			t.Helper()
			return j.checkpoint(j.entries[len(j.entries)-1])
		}},
		"all checkpoints, plans and entries but the last": {objects: func(t *testing.T, store string, j stopped) []string {
			t.Helper()
			keys := glob(t, store, "g*/plans/*")
			for _, e := range j.entries {
				keys = append(keys, j.checkpoint(e)...)
			}
			return append(keys, j.id.LogKey(0), j.id.HeadKey())
		}},
		"the newest checkpoint and its batch": {rewinds: true, objects: func(t *testing.T, store string, j stopped) []string {
			t.Helper()
			last := j.entries[len(j.entries)-1]
			keys := j.checkpoint(last)
			for _, part := range last.Commit.Batch.Parts {
				keys = append(keys, j.id.StepPrefix(last.Generation, last.Commit.Checkpoint.Step)+string(part.Blob.Digest))
			}
			return keys
		}},
		"the records of the open step": {rare: true, objects: func(t *testing.T, store string, j stopped) []string {
			t.Helper()
			c, _ := j.entries[len(j.entries)-1].NewCheckpoint()
			u := job.Unit{Job: j.id, Step: c.Step + 1}
			settled := filepath.Base(filepath.Dir(job.Shard{Unit: u}.SettledKey()))
			return append(glob(t, store, "g*/settled/"+settled+"/*"), glob(t, store, "g*/ranges/"+settled+"*")...)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if damage.rare && !flag.Lookup("damage").Value.(flag.Getter).Get().(bool) {
				t.Skip("run it with -damage")
			}
			dir := t.TempDir()
			j := killedDemo(t, dir, steps)
			store := storeOf(dir)
			were := map[string][]byte{}
			for _, key := range damage.objects(t, store, j) {
				were[key] = flip(t, filepath.Join(store, key))
			}
			resumed := demo(t, dir, "--steps", steps)
			if resumed.State != "done" || resumed.Checkpoint != whole.Checkpoint {
				t.Errorf("it ended %s at %s, undisturbed at %s", resumed.State, resumed.Checkpoint, whole.Checkpoint)
			}
			if back := j.wentBack(t, store); back != damage.rewinds {
				t.Errorf("the job went back: %t, want %t", back, damage.rewinds)
			}
			if damage.rewinds {
				return
			}
			repaired(t, store, j.id)
			for key, body := range were {
				now, err := os.ReadFile(filepath.Join(store, key))
				if (strings.Contains(key, "/steps/") || strings.Contains(key, "/plans/")) && (err != nil || !bytes.Equal(now, body)) {
					t.Errorf("%s is not what it was, %v", key, err)
				}
			}
		})
	}
}

// stopped is a job that nobody drives.
type stopped struct {
	id      job.ID
	store   blob.Bucket
	entries []*job.Entry
}

// killedDemo kills a demo in its third step.
func killedDemo(t *testing.T, dir, steps string) stopped {
	t.Helper()
	cmd := programs.DemoCommand(context.WithoutCancel(t.Context()), "cohort", dir, heldOut, "--steps", steps)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err := programs.AwaitEntry(t.Context(), dir, 2)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.Open(storeOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	j := stopped{store: b}
	j.id = job.ID(filepath.Base(filepath.Dir(glob(t, storeOf(dir), "spec.json")[0])))
	last, err := checkpoint.LastEntry(t.Context(), j.store, j.id, -1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(t.Context(), j.store, j.id, n)
		if err != nil {
			t.Fatal(err)
		}
		if e.End != nil {
			t.Skip("the demo had ended before it was killed")
		}
		j.entries = append(j.entries, e)
	}
	return j
}

// checkpoint are the keys of what an entry's checkpoint is, itself included.
func (j stopped) checkpoint(e *job.Entry) []string {
	c, _ := e.NewCheckpoint()
	keys := []string{j.id.StepPrefix(c.Folder.Generation, c.Folder.Step) + string(c.Manifest)}
	for _, p := range c.Places {
		if p.Folder == c.Folder {
			keys = append(keys, j.id.StepPrefix(p.Folder.Generation, p.Folder.Step)+string(p.Digest))
		}
	}
	return keys
}

// wentBack says whether the log has a rewind.
func (j stopped) wentBack(t *testing.T, store string) bool {
	t.Helper()
	for _, key := range glob(t, store, "log/*") {
		body, err := os.ReadFile(filepath.Join(store, key))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(body, []byte(`"kind":"rewind"`)) {
			return true
		}
	}
	return false
}

func storeOf(dir string) string { return filepath.Join(dir, "store") }

// glob are the keys of the only job's objects that match.
func glob(t *testing.T, store, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(store, "jobs", "*", pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		if found[i], err = filepath.Rel(store, found[i]); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// flip flips a bit of a file and returns what it held.
func flip(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(body)
	broken[len(broken)/3] ^= 4
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	return body
}

// repaired runs cohort checkpoint repair, which need not find everything.
func repaired(t *testing.T, store string, id job.ID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "cohort", "checkpoint", "repair", string(id), "--store", "file://"+store).CombinedOutput()
	if !strings.Contains(string(out), "is whole") {
		t.Errorf("%v\n%s", err, out)
	}
}
