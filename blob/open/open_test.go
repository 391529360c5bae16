package open_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/s3"
)

func account() s3.Credentials { return s3.Credentials{AccessKey: "access", SecretKey: "hunter2"} }

func TestFileURLOpensADirectory(t *testing.T) {
	t.Parallel()
	address := "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "a", "store"))
	if _, err := open.Open(t.Context(), address, open.Options{}); err == nil || !strings.Contains(err.Error(), "no store in") {
		t.Fatalf("a directory that is not there: %v, want it said", err)
	}
	b, err := open.Open(t.Context(), address, open.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "key", []byte("x"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	again, err := open.Open(t.Context(), address, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if object, err := again.Get(t.Context(), "key"); err != nil || string(object.Body) != "x" {
		t.Fatalf("read through another: %q, %v", object.Body, err)
	}
}

func TestServerURLOpensABucketUnderItsPrefix(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	query := "?style=path&region=us-east-1&endpoint=" + server.URL
	inside, err := open.Open(t.Context(), "s3://bucket/team/jobs/"+query, open.Options{Credentials: account()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Put(t.Context(), "key", []byte("x"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	outside, err := open.Open(t.Context(), "s3://bucket"+query, open.Options{Credentials: account()})
	if err != nil {
		t.Fatal(err)
	}
	if object, err := outside.Get(t.Context(), "team/jobs/key"); err != nil || string(object.Body) != "x" {
		t.Fatalf("seen from outside: %q, %v", object.Body, err)
	}
}

func TestWrongURLIsAnErrorThatSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for address, want := range map[string]string{
		"":                                   "empty",
		"/var/cohort":                        "no scheme",
		"mem:":                               `"mem"`,
		"gs://bucket":                        `"gs"`,
		"file:relative":                      "absolute",
		"file://var/cohort":                  "three slashes",
		"file://" + dir + "?x=1":             "takes no ?",
		"file://" + dir + "#1":               "takes no ?",
		"s3://":                              "bucket",
		"s3:///prefix":                       "bucket",
		"s3://bucket?endpiont=http://x:1":    `"endpiont"`,
		"s3://bucket?region=a&region=b":      "region one value",
		"s3://bucket?region=":                "region one value",
		"s3://bucket?style=host":             "style",
		"s3://bucket?endpoint=127.0.0.1:900": "endpoint",
		"s3://bucket/a/../b":                 "prefix",
		"s3://bucket?ca=/missing.pem":        "ca",
		"s3://bucket?a=%zz":                  "cannot be read",
		"s3://key:hunter2@bucket":            "credentials",
		"s3://key:hunter2@bucket:port":       "no URL",
		"s3://bucket?endpoint=http://key:hunter2@127.0.0.1:9000": "endpoint",
	} {
		_, err := open.Open(t.Context(), address, open.Options{Create: true, Credentials: account()})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--store") {
			t.Errorf("%q: %v, want an error that says %q", address, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v tells a secret", address, err)
		}
	}
}

func TestDirectoryThatCannotBeMadeIsDenied(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open.Open(t.Context(), "file://"+file+"/store", open.Options{Create: true})
	if err == nil || errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), file) {
		t.Fatalf("got %v, want the file that is in the way named", err)
	}
}
