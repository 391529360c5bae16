package api_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
)

func TestStoreThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	store := blobtest.NewFaulty(mem.New(), func(string, string) blobtest.Fault {
		if away.Load() {
			return blobtest.Fault{Before: blob.ErrUnavailable}
		}
		return blobtest.Fault{}
	})
	r := start(t, store)
	id := r.submit(t, "mine").ID
	away.Store(true)
	calls := map[string]func() error{
		"submit": func() error { _, _, err := r.client.Submit(t.Context(), submissionOf("other")); return err },
		"job":    func() error { _, err := r.client.Job(t.Context(), id); return err },
		"cancel": func() error { _, err := r.client.Cancel(t.Context(), id, ""); return err },
	}
	for name, call := range calls {
		if said := refusal(t, call(), 503, api.CodeStore); said.Remedy == "" {
			t.Errorf("%s: %+v", name, said)
		}
	}
	if status, body := r.call(t, "GET", "/readyz", ""); status != 503 || !strings.Contains(body, "object store") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := r.call(t, "GET", "/healthz", ""); status != 200 {
		t.Errorf("the process is said to be dead: %d", status)
	}
	away.Store(false)
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingServerNamesAddressFlagAndCommand(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	client, err := api.NewClient(address, api.Access{})
	if err != nil {
		t.Fatal(err)
	}
	_, submitted, _ := client.Submit(t.Context(), submissionOf(""))
	_, _, err = client.Jobs(t.Context(), 0, "")
	watching := client.Watch(t.Context(), "any", 0, func(api.Event) error { return nil })
	for _, err := range []error{err, watching} {
		var missing *api.Unreachable
		if !errors.As(err, &missing) || missing.Server != address || submitted {
			t.Fatalf("%v", err)
		}
		for _, want := range []string{address, "--server", "cohort up", "coordinator", "refused"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not name %q", err, want)
			}
		}
	}
}

func TestOtherServersAreRecognized(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 404, 500} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>hello</html>"))
		}))
		defer other.Close()
		client, err := api.NewClient(other.URL, api.Access{Token: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Job(t.Context(), "any")
		if said := refusal(t, err, status, api.CodeForeign); !strings.Contains(said.Message, other.URL) || strings.Contains(said.Error(), "secret") {
			t.Errorf("%v", said)
		}
	}
}

func TestEndedContextIsItsOwnError(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the user")
	cancel(stopped)
	if _, err := r.client.Job(ctx, "any"); !errors.Is(err, stopped) {
		t.Errorf("%v", err)
	}
}

func TestAddressIsChecked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:7070", "ftp://host", "http://", "http://user:pass@host", "http://host?x=1", "http://host#x", "http://[::1"} {
		if _, err := api.NewClient(address, api.Access{}); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A server that takes the request and never answers is given up, and said to be
// missing; a caller's own deadline is the caller's.
func TestServerThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := api.NewClient("http://127.0.0.1:7070", api.Access{})
		if err != nil {
			t.Fatal(err)
		}
		client.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		begun := time.Now()
		_, err = client.Job(t.Context(), "any")
		var missing *api.Unreachable
		if took := time.Since(begun); !errors.As(err, &missing) || took != 30*time.Second || !strings.Contains(err.Error(), "in time") {
			t.Errorf("%v after %s", err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = client.Job(ctx, "any"); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &missing) {
			t.Errorf("%v", err)
		}
	})
}
