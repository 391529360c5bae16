// Package servicestest starts services for tests of what connects to them.
package servicestest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Kafka starts a cluster of one broker, which goes with the test, and returns
// its address.
func Kafka(t *testing.T, options ...kfake.Opt) (address string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// S3 serves a bucket named traces to the account with the access key "key", and
// refuses every other. It goes with the test.
func S3(t *testing.T, backend *s3mem.Backend) (url string) {
	t.Helper()
	if err := backend.CreateBucket("traces"); err != nil {
		t.Fatal(err)
	}
	store := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=key/") {
			store.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>InvalidAccessKeyId</Code><Message>no</Message></Error>`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}
