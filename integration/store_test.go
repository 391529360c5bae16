//go:build services

package integration_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/probe"
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
				return services{"COHORT_STORE": address}.apart(t)["COHORT_STORE"]
			})
		})
	}
}

// openBucket opens the store at address with the services' credentials.
func openBucket(t *testing.T, address string) blob.Bucket {
	t.Helper()
	return services{
		"COHORT_STORE": address, "AWS_ACCESS_KEY_ID": os.Getenv("AWS_ACCESS_KEY_ID"), "AWS_SECRET_ACCESS_KEY": os.Getenv("AWS_SECRET_ACCESS_KEY"),
	}.openStore(t)
}

func TestRealStoresKeepTheContract(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		blobtest.Run(t, func(t *testing.T) blob.Bucket { t.Helper(); return openBucket(t, fresh()) })
	})
}

func TestProbeAcceptsRealStores(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
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

func TestRacesForALogNumberOnRealStoresAreLinearizable(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		b := retrying(openBucket(t, fresh()))
		for race := range number("races") {
			if h := blobtest.Race(t.Context(), b, fmt.Sprint("log-", race), 4, 2, true); !h.Linearizable() {
				t.Fatalf("race %d is not linearizable: %+v", race, h)
			}
		}
	})
}
