//go:build services

package integration_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// before is a proxy before the store at address, which decides what to do with
// each request. It returns the store's URL through it.
func before(t *testing.T, address string, decide func(inner http.Handler, w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	server, err := url.Parse(query.Get("endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	inner := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = server.Scheme, server.Host
		r.Out.Host = r.In.Host // it is signed
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { decide(inner, w, r) }))
	t.Cleanup(proxy.Close)
	query.Set("endpoint", proxy.URL)
	u.RawQuery = query.Encode()
	return u.String()
}

// cutting is a proxy that passes requests on and, while cut says so, cuts the
// answer: of a PUT altogether, of a GET in the middle of its body.
func cutting(t *testing.T, address string, cut *atomic.Bool) string {
	t.Helper()
	return before(t, address, func(inner http.Handler, w http.ResponseWriter, r *http.Request) {
		if !cut.Load() {
			inner.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		inner.ServeHTTP(recorder, r)
		if r.Method == http.MethodGet {
			maps.Copy(w.Header(), recorder.Header())
			w.WriteHeader(recorder.Code)
			_, _ = w.Write(recorder.Body.Bytes()[:recorder.Body.Len()/2])
		}
		panic(http.ErrAbortHandler)
	})
}

func TestAnswersThatAProxyCutsAreNotTakenForOthers(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		var cut atomic.Bool
		b := openBucket(t, cutting(t, fresh(), &cut))
		body := bytes.Repeat([]byte("commit 1 "), 10_000)
		cut.Store(true)
		if _, err := b.Put(t.Context(), "log/1", body, blob.IfAbsent()); !errors.Is(err, blob.ErrAmbiguous) {
			t.Fatalf("put whose answer was cut: %v, want ambiguous", err)
		}
		cut.Store(false)
		version, err := b.Put(t.Context(), "log/1", body, blob.IfAbsent())
		if err != nil || version == "" {
			t.Fatalf("put again: %q, %v; want success by content", version, err)
		}
		if _, err := b.Put(t.Context(), "log/1", []byte("commit 2"), blob.IfAbsent()); !errors.Is(err, blob.ErrExists) {
			t.Fatalf("another's put: %v, want exists", err)
		}
		cut.Store(true)
		if object, err := b.Get(t.Context(), "log/1"); !errors.Is(err, blob.ErrUnavailable) {
			t.Fatalf("get that was cut: %d bytes, %v; want an error", len(object.Body), err)
		}
		// The same behind retries, which read back what the server holds.
		large := []byte(strings.Repeat("second version ", 1<<16))
		puts := retrying(b)
		go func() { cut.Store(false) }()
		if _, err := puts.Put(t.Context(), "log/1", large, blob.IfMatch(version)); err != nil {
			t.Fatalf("replace through a cut answer: %v", err)
		}
	})
}
