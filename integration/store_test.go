//go:build services

package integration_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/secret"
)

// stores are the servers of S3 that the store's promises are tried on, by what
// tells their URL.
func stores() map[string]string {
	return map[string]string{"MinIO": "COHORT_STORE", "versitygw": "COHORT_STORE_VERSITYGW"}
}

// onEachStore runs a test on every server. fresh returns the URL of a folder of
// the bucket that nobody else uses.
func onEachStore(t *testing.T, test func(t *testing.T, fresh func() string)) {
	t.Helper()
	for name, variable := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := os.Getenv(variable)
			if address == "" {
				t.Fatalf("%s is not set: deploy/services/up minio versitygw, and then . data/services/env", variable)
			}
			test(t, func() string {
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				u.Path = "/test-" + uuid.NewString()
				return u.String()
			})
		})
	}
}

// openBucket opens the store at address with the services' credentials.
func openBucket(t *testing.T, address string) blob.Bucket {
	t.Helper()
	b, err := open.Open(t.Context(), address, open.Options{Credentials: s3.Credentials{
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: secret.Text(os.Getenv("AWS_SECRET_ACCESS_KEY")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRealStoresKeepTheContract(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		blobtest.Run(t, func(t *testing.T) blob.Bucket { t.Helper(); return openBucket(t, fresh()) })
	})
}

func TestProbeAcceptsRealStores(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		b := openBucket(t, fresh())
		checks, err := probe.Run(t.Context(), b, "nonce")
		if err != nil || len(checks) == 0 {
			t.Fatalf("%v after %+v", err, checks)
		}
		for info, err := range b.List(t.Context(), "", "") {
			t.Errorf("the probe left %s, %v", info.Key, err)
		}
	})
}
