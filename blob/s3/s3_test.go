package s3_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/s3"
)

func TestServerKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Bucket {
		t.Helper()
		return connect(t, serve(t), "team/cohort")
	})
}

// serve starts a server with one empty bucket on loopback and returns its URL.
func serve(t *testing.T) string {
	t.Helper()
	return listen(t, fake(t))
}

func fake(t *testing.T) http.Handler {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	return gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
}

func listen(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func connect(t *testing.T, endpoint, prefix string) *s3.Bucket {
	t.Helper()
	b, err := s3.New(lifetime(t), config(endpoint, prefix))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func config(endpoint, prefix string) s3.Config {
	return s3.Config{
		Endpoint: endpoint, Bucket: "bucket", Prefix: prefix, Region: "us-east-1", Style: s3.Path,
		Credentials: s3.Credentials{AccessKey: "access", SecretKey: "secret-key"}, Timeout: time.Minute,
	}
}

// lifetime is a context that ends with the test.
func lifetime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	return ctx
}
