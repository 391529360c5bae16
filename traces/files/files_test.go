package files_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// kept keeps what a source hands over.
type kept struct {
	messages []threads.Message
	aside    []string
	dir      string
}

func (k *kept) Take(m threads.Message) error {
	m.Source, _ = filepath.Rel(k.dir, m.Source)
	k.messages = append(k.messages, m)
	return nil
}

func (k *kept) Aside(at threads.Place, reason error) {
	name, _ := filepath.Rel(k.dir, at.Source)
	k.aside = append(k.aside, fmt.Sprintf("%s@%d: %v", name, at.Offset, reason))
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, path string, limits files.Limits) *kept {
	t.Helper()
	k := &kept{dir: dir}
	if err := (files.Source{Path: path, Limits: limits}).Read(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k
}

// prefixed is a message with its length before it.
func prefixed(message string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

// TestFilesAreCutIntoMessages has every form of file, whole and damaged, with
// the offsets of what comes of it.
func TestFilesAreCutIntoMessages(t *testing.T) {
	t.Parallel()
	limits := files.DefaultLimits()
	limits.Message = 1000
	long := `{"a":"` + strings.Repeat("x", 5000) + `"}`
	for _, c := range []struct {
		name, content string
		messages      string
		aside         string
	}{
		{"one line", `{"a":1}`, `0 {"a":1}`, ""},
		{"lines", "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}\n", `0 {"a":1}|8 {"b":2}|18 {"c":3}`, ""},
		{"several lines a value", "{\n  \"a\": 1\n}\n{\n  \"b\": 2\n}", "0 {\n  \"a\": 1\n}|13 {\n  \"b\": 2\n}", ""},
		{"byte order mark", "\ufeff{\"a\":1}", `3 {"a":1}`, ""},
		{"a bad line among good ones", "{\"a\":1}\n{\"b\":\n{\"c\":3}\n{\"d\":4}\n", `0 {"a":1}|14 {"c":3}|22 {"d":4}`, "8: damaged JSON"},
		{"cut off", "{\"a\":1}\n{\"b\":[1,", `0 {"a":1}`, "8: damaged JSON"},
		{"a bad first line", "{]\n{\"a\":1}\n", `3 {"a":1}`, "0: damaged JSON"},
		{"a line too long", "{\"a\":1}\n" + long + "\n{\"b\":2}\n", fmt.Sprintf(`0 {"a":1}|%d {"b":2}`, 9+len(long)), "8: it is too long: more than 1000 bytes"},
		{"protobuf", "\x0a\x00", "0 \x0a\x00", ""},
		{"lengths", string(prefixed("\x0aabc")) + string(prefixed("\x0ade")), "4 \x0aabc|12 \x0ade", ""},
		{"a length cut off", string(prefixed("\x0aabc")) + "\x00\x00", "4 \x0aabc", "8: the length of a message is cut off after 2 bytes"},
		{"a length of 100 MB", "\x05\xf5\xe1\x00\x0aabc", "", "0: a message claims 100000000 bytes, 4 are there"},
		{"something else", "hello", "0 hello", ""},
		{"empty", "", "", "0: the file is empty"},
		{"long", strings.Repeat("y", 1001), "", "0: it has 1001 bytes, at most 1000 are read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "f.pb", []byte(c.content))
			k := read(t, dir, filepath.Join(dir, "f.pb"), limits)
			var got []string
			for _, m := range k.messages {
				got = append(got, fmt.Sprintf("%d %s", m.Offset, m.Body))
			}
			if strings.Join(got, "|") != c.messages {
				t.Errorf("messages %q, want %q", strings.Join(got, "|"), c.messages)
			}
			if len(k.aside) > 1 || (len(k.aside) == 1) != (c.aside != "") || (c.aside != "" && !strings.HasPrefix(k.aside[0], "f.pb@"+c.aside)) {
				t.Errorf("set aside %q, want %q", k.aside, c.aside)
			}
		})
	}
}

// TestFoldersAreReadWithoutTwins reads a folder in the order of its names, and
// of a request in two forms one.
func TestFoldersAreReadWithoutTwins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b.pb", "b.json", "a.json", "sub/c.jsonl", "sub/c.pb", "d.logs.pb", "d.logs.json", "README.md", ".hidden.json", ".git/x.json", "e.json"} {
		write(t, dir, name, []byte(`{"from":"`+name+`"}`))
	}
	if err := os.Symlink(filepath.Join(dir, "a.json"), filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range read(t, dir, dir, files.DefaultLimits()).messages {
		got = append(got, m.Source)
	}
	if want := "a.json b.pb d.logs.pb e.json sub/c.jsonl sub/c.pb"; strings.Join(got, " ") != want {
		t.Errorf("read %s, want %s", strings.Join(got, " "), want)
	}
}

// TestBoundsOfASourceAreErrorsWithTheirRemedy shows what reading refuses as a
// whole.
func TestBoundsOfASourceAreErrorsWithTheirRemedy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.json", bytes.Repeat([]byte(" "), 100))
	write(t, dir, "b.json", []byte("{}"))
	limits := files.DefaultLimits()
	for _, c := range []struct {
		path   string
		change func(*files.Limits)
		want   string
	}{
		{dir, func(l *files.Limits) { l.Files = 1 }, "more than 1 files"},
		{dir, func(l *files.Limits) { l.All = 101 }, "split it"},
		{filepath.Join(dir, "nothing"), func(*files.Limits) {}, "no such file"},
	} {
		l := limits
		c.change(&l)
		err := files.Source{Path: c.path, Limits: l}.Read(t.Context(), &kept{dir: dir})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (files.Source{Path: dir, Limits: limits}).Read(ctx, &kept{dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
