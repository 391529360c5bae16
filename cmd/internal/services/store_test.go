package services_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
)

func TestBucketLetsInWhoHasTheKeys(t *testing.T) {
	t.Parallel()
	endpoint := servicestest.S3(t, s3mem.New())
	c := whole(t)
	c.Store = "s3://traces/team?style=path&endpoint=" + endpoint
	c.StoreAccess.Key, c.StoreAccess.SecretFile = "key", secretFile(t)
	connected(t, c)
}

func TestStoreIsRefusedAtOnceWithTheRemedy(t *testing.T) {
	t.Parallel()
	endpoint := servicestest.S3(t, s3mem.New())
	t.Run("wrong bucket", func(t *testing.T) {
		t.Parallel()
		c := whole(t)
		c.Store, c.Wait = "s3://nowhere?style=path&endpoint="+endpoint, time.Hour
		c.StoreAccess.Key, c.StoreAccess.Secret = "key", password
		says(t, refused(t, c), "s3://nowhere", "no such bucket", "--store")
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Parallel()
		c := whole(t)
		c.Store, c.Wait = "s3://traces?style=path&endpoint="+endpoint, time.Hour
		c.StoreAccess.Key, c.StoreAccess.Secret = "another", password
		says(t, refused(t, c), "InvalidAccessKeyId", "--store-access-key and --store-secret-key")
	})
	t.Run("no conditions on writes", func(t *testing.T) {
		t.Parallel()
		c := whole(t)
		c.Store, c.Wait = "s3://traces?style=path&endpoint="+careless(t, endpoint), time.Hour
		c.StoreAccess.Key, c.StoreAccess.Secret = "key", password
		says(t, refused(t, c), "does not keep conditions on writes", "If-None-Match", "name another with --store")
	})
	t.Run("file in the way", func(t *testing.T) {
		t.Parallel()
		c := whole(t)
		c.Store, c.Wait = "file://"+filepath.Join(secretFile(t), "store"), time.Hour
		says(t, refused(t, c), "--store", "not a directory")
	})
}

// careless is a server that ignores conditions.
func careless(t *testing.T, endpoint string) string {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("If-None-Match")
		r.Out.Header.Del("If-Match")
	}})
	t.Cleanup(server.Close)
	return server.URL
}
