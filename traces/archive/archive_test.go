package archive_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/archive"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options(t *testing.T) collect.Options {
	t.Helper()
	o := collect.DefaultOptions(threads.DefaultRules(time.Unix(2_000_000_000, 0)))
	o.Dir, o.Messages = t.TempDir(), true
	return o
}

func read(t *testing.T, o collect.Options, sources ...threads.Source) ([]collect.Found, collect.Report) {
	t.Helper()
	c, err := collect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range sources {
		if err := c.Read(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	var all []collect.Found
	for f, err := range c.Threads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all, c.Report()
}

func library(name string) threads.Source {
	return files.Source{Path: filepath.Join("..", "threads", "testdata", "otlp", name), Limits: files.DefaultLimits()}
}

// told is all that is said of threads, but for what came twice.
func told(t *testing.T, all []collect.Found) string {
	t.Helper()
	var text strings.Builder
	for i := range all {
		if all[i].More {
			continue
		}
		all[i].Thread.Duplicates = 0
		body, err := json.Marshal(all[i].Thread)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(body, '\n'))
	}
	return text.String()
}

func keys(t *testing.T, b blob.Bucket) []string {
	t.Helper()
	var all []string
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

// What is collected from an archive is what was archived, and archiving it again
// adds nothing.
func TestArchiveIsASourceOfTheSameThreads(t *testing.T) {
	t.Parallel()
	bucket := mem.New()
	found, _ := read(t, options(t), library("otel-openai-v2"), library("agentlightning-0.3.0"))
	write := func(all []collect.Found) archive.Written {
		w := archive.NewWriter(bucket)
		for i := range all {
			if err := w.Add(t.Context(), &all[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.Written
	}
	first := write(found)
	want := told(t, found)
	if first.Threads != int64(len(found)) || len(first.Files) == 0 {
		t.Fatalf("wrote %+v of %d threads", first, len(found))
	}
	for _, name := range first.Files {
		if !strings.HasPrefix(name, "archive/20") || !strings.HasSuffix(name, ".parquet") {
			t.Errorf("a file is called %s", name)
		}
	}
	again, report := read(t, options(t), archive.Source{Bucket: bucket})
	if got := told(t, again); got != want || !report.Whole() || report.Tally.SetAside > 0 {
		t.Errorf("read back:\n%.1500s\nwant\n%.1500s", got, want)
	}
	if second := write(found); fmt.Sprint(second) != fmt.Sprint(first) || len(keys(t, bucket)) != len(first.Files) {
		t.Errorf("written again: %v, first %v, the store has %v", second, first, keys(t, bucket))
	}
}

// A damaged file is set aside by name, the others are read.
func TestDamagedFileOfAnArchiveIsSetAside(t *testing.T) {
	t.Parallel()
	bucket := mem.New()
	w := archive.NewWriter(bucket)
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 3 {
		at := time.Date(2026, 11, 20+day, 12, 0, 0, 0, time.UTC)
		id := fmt.Sprint("thread-", day)
		var f collect.Found
		f.Thread = threads.Thread{ID: id, State: threads.Complete, Start: at, End: at}
		for i, body := range []telemetry.Body{telemetry.Start{Task: "x"}, telemetry.End{Events: 2}} {
			frame, err := codec.Encode(telemetry.Event{Thread: id, Index: uint64(i), Time: at, Body: body})
			if err != nil {
				t.Fatal(err)
			}
			f.Messages = append(f.Messages, threads.Message{Body: frame})
		}
		if err := w.Add(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	bad := w.Written.Files[1]
	object, err := bucket.Get(t.Context(), bad)
	if err != nil {
		t.Fatal(err)
	}
	object.Body[len(object.Body)/2] ^= 1
	if _, err := bucket.Put(t.Context(), bad, object.Body, blob.Always()); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(t.Context(), "archive/notes.txt", []byte("x"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	found, report := read(t, options(t), archive.Source{Bucket: bucket})
	if len(found) != 2 || found[0].ID != "thread-0" || found[1].ID != "thread-2" || found[0].State != threads.Complete {
		t.Errorf("found %d threads", len(found))
	}
	if a := report.Tally.Aside; len(a) != 2 || a[0].Source != bad || a[1].Source != "archive/notes.txt" {
		t.Errorf("set aside %+v", a)
	}
	if found, _ := read(t, options(t), archive.Source{Bucket: bucket, From: "2026-11-22"}); len(found) != 1 || found[0].ID != "thread-2" {
		t.Errorf("from the 22nd on there are %d threads", len(found))
	}
}
