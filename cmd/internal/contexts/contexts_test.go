package contexts_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/cmd/internal/contexts"
)

func TestFileIsTheOwnersAloneAndComesBackAsItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "config.yaml")
	f, err := contexts.Load(path)
	if err != nil || len(f.Contexts) != 0 {
		t.Fatalf("%+v (%v)", f, err)
	}
	f.Set(contexts.Context{Name: "b", Server: "http://b"})
	f.Set(contexts.Context{Name: "a", Server: "http://a", Store: "file:///a", TokenFile: "/token", CA: "/ca"})
	f.Set(contexts.Context{Name: "b", Server: "http://b2"})
	for range 2 { // it is replaced as well as made
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	again, err := contexts.Load(path)
	if err != nil || again.Current != "b" || !slices.Equal(again.Contexts, f.Contexts) || !slices.Equal(again.Names(), []string{"a", "b"}) {
		t.Errorf("%+v (%v)", again, err)
	}
	if c, err := again.Find("b"); err != nil || c.Server != "http://b2" {
		t.Errorf("%+v (%v)", c, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v (%v)", left, err)
	}
}

func TestFileThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.Mkdir(path, 0o700); err != nil { // a rename cannot replace it
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := new(contexts.File).Save(path); err == nil {
		t.Fatal("a folder was replaced by a file")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v (%v)", left, err)
	}
}

func TestBadFilesAreRefusedByName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	for text, want := range map[string]string{
		"contexts: [{name: a, password: x}]":   "line 1: field password not found",
		"contexts: [{name: '../a'}]":           `"../a" is no name of a context`,
		"contexts: 7":                          "cannot unmarshal",
		strings.Repeat("# padding\n", 150_000): "is larger than",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := contexts.Load(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "contexts.Context") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestDeletedContextIsNotCurrentAnyMore(t *testing.T) {
	t.Parallel()
	var f contexts.File
	f.Set(contexts.Context{Name: "a"})
	f.Set(contexts.Context{Name: "b"})
	if err := f.Delete("b"); err != nil || f.Current != "a" {
		t.Errorf("current %q (%v)", f.Current, err)
	}
	if err := f.Delete("a"); err != nil || f.Current != "" || len(f.Contexts) != 0 {
		t.Errorf("%+v (%v)", f, err)
	}
	var unknown *contexts.UnknownError
	if err := f.Delete("a"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

func TestNearestNameIsSuggested(t *testing.T) {
	t.Parallel()
	var f contexts.File
	for _, name := range []string{"local", "production", "staging"} {
		f.Set(contexts.Context{Name: name})
	}
	for name, want := range map[string]string{
		"locla": "local", "Local": "local", "prodution": "production", "stagin": "staging", "xyz": "", "": "",
	} {
		_, err := f.Find(name)
		unknown, ok := errors.AsType[*contexts.UnknownError](err)
		if !ok || unknown.Nearest != want {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func TestChosenContextIsTheNamedOneThenTheVariablesThenTheCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	var f contexts.File
	for _, name := range []string{"current", "named", "variable"} {
		f.Set(contexts.Context{Name: name})
	}
	f.Current = "current"
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, variable, want string }{
		{"named", "variable", "named"}, {"", "variable", "variable"}, {"", "", "current"},
	} {
		getenv := func(name string) string {
			return map[string]string{"COHORT_CONTEXTS": path, "COHORT_CONTEXT": test.variable}[name]
		}
		if c, err := contexts.Choose(test.name, getenv); err != nil || c.Name != test.want {
			t.Errorf("%+v: %q (%v)", test, c.Name, err)
		}
	}
}
