package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
)

// pipes is a network in memory, in which a test's virtual time holds.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7700} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	p.dialled <- theirs
	return mine, nil
}

// inBubble runs f against a server under virtual time.
func inBubble(t *testing.T, store blob.Bucket, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, store: store, url: "http://127.0.0.1:7070"}
		r.server = api.NewServer(config(r))
		network := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- r.server.Serve(ctx, network) }()
		var err error
		if r.client, err = api.NewClient(r.url, api.Access{}); err != nil {
			t.Fatal(err)
		}
		r.client.HTTP = &http.Client{Transport: &http.Transport{DialContext: network.dial}}
		f(r)
		r.client.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// However many watch, and however long, the store is asked for the job's
// progress at most four times a second.
func TestWatchersShareTheReadsOfTheHint(t *testing.T) {
	t.Parallel()
	store, counts := counted(mem.New())
	inBubble(t, store, func(r *rig) {
		t := r.t
		id := r.submit(t, "mine").ID
		step(t, store, id, 0)
		const watchers, seconds = 10, 60
		counts()
		ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
		defer cancel()
		done := make(chan error, watchers)
		for range watchers {
			go func() { done <- r.client.Watch(ctx, id, 1, func(api.Event) error { return nil }) }()
		}
		for range watchers {
			if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		got := counts()
		if got["get"] < seconds || got["get"] > 4*seconds+1 || got["list"] != 0 || got["head"] != 0 {
			t.Errorf("%v calls in %d s", got, seconds)
		}
	})
}

// A stream outlives every deadline of a request, and shows that it lives.
func TestQuietStreamLivesAndBeats(t *testing.T) {
	t.Parallel()
	store := mem.New()
	inBubble(t, store, func(r *rig) {
		t := r.t
		id := r.submit(t, "mine").ID
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/v1/jobs/"+string(id)+"/events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := r.client.HTTP.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		begun, beats := time.Now(), 0
		for lines := bufio.NewScanner(response.Body); lines.Scan() && beats < 30; {
			if strings.HasPrefix(lines.Text(), ":") {
				beats++
			}
		}
		if took := time.Since(begun); beats < 30 || took > 310*time.Second {
			t.Errorf("%d beats in %s", beats, took)
		}
	})
}

// A store that fails for a while only delays what is heard.
func TestStreamOutlivesTheStoresWeather(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	var away atomic.Bool
	store := blobtest.NewFaulty(inner, func(string, string) blobtest.Fault {
		if away.Load() {
			return blobtest.Fault{Before: blob.ErrUnavailable}
		}
		return blobtest.Fault{}
	})
	inBubble(t, store, func(r *rig) {
		t := r.t
		id := r.submit(t, "mine").ID
		var heard []string
		err := r.watch(t, id, 0, func(what string) error {
			heard = append(heard, what)
			if what == "pending 0" {
				away.Store(true)
				step(t, inner, id, 0)
				end(t, inner, id, 1, job.End{Verdict: job.Done})
				time.AfterFunc(2*time.Minute, func() { away.Store(false) })
			}
			return nil
		})
		if want := []string{"pending 0", "entry 0", "entry 1", "done 0", "end done"}; err != nil || !slices.Equal(heard, want) {
			t.Errorf("%v: %q, expected %q", err, heard, want)
		}
	})
}

// A server that neither speaks nor closes is left.
func TestSilentServerIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := api.NewClient("http://127.0.0.1:7070", api.Access{})
		if err != nil {
			t.Fatal(err)
		}
		begun, connections := time.Now(), 0
		client.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			connections++
			body, w := io.Pipe()
			context.AfterFunc(r.Context(), func() { w.CloseWithError(context.Cause(r.Context())) })
			return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
		})}
		enough := errors.New("enough")
		err = client.Watch(t.Context(), "any", 0, func(e api.Event) error {
			var missing *api.Unreachable
			if e.Kind != api.EventLost || !errors.As(e.Err, &missing) {
				t.Errorf("%+v", e)
			}
			if connections == 3 {
				return enough
			}
			return nil
		})
		if took := time.Since(begun); !errors.Is(err, enough) || connections != 3 || took > 2*time.Minute {
			t.Errorf("%v after %d connections and %s", err, connections, took)
		}
	})
}

// roundTrip is a transport in a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
