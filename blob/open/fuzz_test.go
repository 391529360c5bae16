package open_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob/open"
)

// Whatever the URL is, opening it gives a store or an error that says what to
// write, and never repeats a password in it.
func FuzzOpen(f *testing.F) {
	for _, address := range []string{
		"", "file:///nowhere/at/all", "file://host/dir", "s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1&style=path",
		"s3://bucket?endpoint=https://[::1]:443&style=virtual", "s3://a%20b/%2e%2e", "s3://bucket?region=%zz", "mem:", "://", "s3://bucket:0",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if strings.Contains(address, "ca") {
			t.Skip("a file of this machine is none of ours")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b, err := open.Open(ctx, address, open.Options{Credentials: account()})
		if (b == nil) == (err == nil) {
			t.Fatalf("%q: store %v, error %v", address, b, err)
		}
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "store") {
			t.Fatalf("%q: %v does not name the setting", address, err)
		}
		for _, scheme := range []string{"s3", "file"} {
			if _, err := open.Open(ctx, scheme+"://user:hunter2@"+address, open.Options{Credentials: account()}); err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("%v tells the password", err)
			}
		}
	})
}
