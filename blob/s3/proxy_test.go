package s3_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/s3"
)

// throughProxy makes address the proxy of this test. It sets the environment, so
// tests that call it are not parallel.
func throughProxy(t *testing.T, address string) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, address)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
}

func TestWrongProxyIsAnErrorThatNamesItsVariable(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, address := range []string{"http://me:hunter2@proxy:port", "ftp://me:hunter2@proxy", "http://me:hunter2@", "http://me:hunter2@[::1", "socks4://proxy:1080", "http://%zz"} {
		throughProxy(t, address)
		for endpoint, variable := range map[string]string{"http://store.example:9000": "HTTP_PROXY", "https://store.example": "HTTPS_PROXY"} {
			_, err := s3.New(lifetime(t), config(endpoint, ""))
			if err == nil || !strings.Contains(err.Error(), variable+" is no address of a proxy") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s by %s: %v, want %s named and no password", endpoint, address, err, variable)
			}
		}
		if _, err := s3.New(lifetime(t), config("http://127.0.0.1:9000", "")); err != nil {
			t.Errorf("this machine itself, which no proxy is asked for: %v", err)
		}
	}
}

func TestStoreIsReachedThroughAProxy(t *testing.T) { //nolint:paralleltest // it sets the environment
	var asked string
	inner := fake(t)
	throughProxy(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Host
		inner.ServeHTTP(w, r)
	})))
	if _, err := connect(t, "http://store.example:9000", "").Put(t.Context(), "key", []byte("x"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if asked != "store.example:9000" {
		t.Fatalf("the proxy was asked for %q", asked)
	}
}

func TestProxyThatRefusesIsNamed(t *testing.T) { //nolint:paralleltest // it sets the environment
	proxy := httptest.NewServer(answer(http.StatusProxyAuthRequired, ""))
	t.Cleanup(proxy.Close)
	throughProxy(t, strings.Replace(proxy.URL, "//", "//me:hunter2@", 1))
	for _, endpoint := range []string{"http://store.example:9000", "https://store.example"} {
		_, err := connect(t, endpoint, "").Get(t.Context(), "key")
		if !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "through the proxy 127.0.0.1") || !strings.Contains(err.Error(), "USER:PASSWORD@") {
			t.Errorf("%s: %v, want the proxy and the remedy named", endpoint, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v tells the password", endpoint, err)
		}
	}
	proxy.Close()
	if _, err := connect(t, "http://store.example:9000", "").Get(t.Context(), "key"); !errors.Is(err, blob.ErrUnavailable) || !strings.Contains(err.Error(), "through the proxy") {
		t.Errorf("proxy that is down: %v, want it named", err)
	}
}

func TestHostThatIsNotThereNamesEndpointAndStyle(t *testing.T) { //nolint:paralleltest // it sets the environment
	throughProxy(t, "")
	c := config("http://store.invalid:9000", "") // RFC 6761: no such name ever is
	c.Style = s3.Virtual
	b, err := s3.New(lifetime(t), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), "key"); err == nil || blob.Temporary(err) && !strings.Contains(err.Error(), "store.invalid") {
		t.Fatalf("got %v, want the host named", err)
	} else if strings.Contains(err.Error(), "no such host") || strings.Contains(err.Error(), "there is no host") && !strings.Contains(err.Error(), "style") {
		t.Fatalf("got %v, want the settings named", err)
	}
}
