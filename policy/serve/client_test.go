package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// request asks newPolicy for one decision.
func request() serve.Request {
	return serve.Request{Seed: 3, Decisions: []serve.Decision{{Number: 1, Features: serve.Rows{Width: 3, Values: []float32{1, 2, 3, 4, 5, 6}}}}}
}

// newClient returns a client whose connections end with the test.
func newClient(tb testing.TB, url string) serve.Client {
	tb.Helper()
	client := serve.Client{URL: url, HTTP: serve.NewHTTPClient(4, nil)}
	tb.Cleanup(client.HTTP.CloseIdleConnections)
	return client
}

func TestServedDecisionsHaveTheBitsOfDecide(t *testing.T) {
	t.Parallel()
	p, _ := newPolicy(t, 4)
	client := newClient(t, start(t, p))
	feature := rapid.Custom(func(t *rapid.T) float32 {
		v := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		if v-v != 0 || math.Abs(float64(v)) > 1e30 {
			return float32(math.Copysign(0, float64(v)))
		}
		return v
	})
	rapid.Check(t, func(rt *rapid.T) {
		request := serve.Request{
			Seed:   rapid.Uint64Range(0, serve.MaxSeed).Draw(rt, "seed"),
			Greedy: rapid.Bool().Draw(rt, "greedy"),
		}
		for range rapid.IntRange(1, 4).Draw(rt, "decisions") {
			n := 3 * rapid.IntRange(1, 6).Draw(rt, "candidates")
			request.Decisions = append(request.Decisions, serve.Decision{
				Number:   rapid.Uint32().Draw(rt, "number"),
				Features: serve.Rows{Width: 3, Values: rapid.SliceOfN(feature, n, n).Draw(rt, "features")},
			})
		}
		got, err := client.Decide(t.Context(), request)
		if err != nil {
			rt.Fatal(err)
		}
		for i, d := range request.Decisions {
			want, err := policy.Decide(p, d.Features.Values, request.Seed, d.Number, request.Greedy)
			if err != nil {
				rt.Fatal(err)
			}
			if got[i].Chosen != want.Chosen || math.Float32bits(got[i].LogProb) != math.Float32bits(want.LogProb) {
				rt.Fatalf("decision %d: served %+v, alone %+v", i, got[i], want)
			}
		}
	})
}

func TestFetchedWeightsAreThePolicy(t *testing.T) {
	t.Parallel()
	p, digest := newPolicy(t, 4)
	got, err := newClient(t, start(t, p)).Weights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Shape() != p.Shape() || got.Weights().Digest() != digest {
		t.Errorf("fetched %+v with weights %s", got.Shape(), got.Weights().Digest())
	}
}

func TestLostServerIsUnavailable(t *testing.T) {
	t.Parallel()
	_, digest := newPolicy(t, 1)
	path := "/v1/policies/" + string(digest)
	closed := listen(t)
	closed.Close()
	status := func(code int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, url := range map[string]string{
		"refused":             "http://" + closed.Addr().String(),
		"reset":               "http://" + scripted(t, ""),
		"broken":              "http://" + scripted(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"di"),
		"bad gateway":         status(http.StatusBadGateway),
		"service unavailable": status(http.StatusServiceUnavailable),
		"gateway timeout":     status(http.StatusGatewayTimeout),
		"not found":           status(http.StatusNotFound),
	} {
		client := newClient(t, url+path)
		if _, err := client.Decide(t.Context(), request()); !errors.Is(err, serve.ErrUnavailable) {
			t.Errorf("%s: Decide returns %v, expected %v", name, err, serve.ErrUnavailable)
		}
		if _, err := client.Weights(t.Context()); !errors.Is(err, serve.ErrUnavailable) {
			t.Errorf("%s: Weights returns %v, expected %v", name, err, serve.ErrUnavailable)
		}
	}
}

// scripted answers the first requests of its connections with the given texts,
// in order; the last one for all that follow. After its answer a connection
// reads one more request, and is closed.
func scripted(tb testing.TB, answers ...string) string {
	tb.Helper()
	listener := listen(tb)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			reader := bufio.NewReader(connection)
			answer := answers[min(i, len(answers)-1)]
			if readOne(reader) == nil && answer != "" {
				_, _ = io.WriteString(connection, answer)
				if strings.Contains(answer, "keep-alive") {
					_ = readOne(reader) // The client may have closed first.
				}
			}
			connection.Close()
		}
	}()
	tb.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func readOne(reader *bufio.Reader) error {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err
}

func TestConnectionClosedWhileIdleIsReplaced(t *testing.T) {
	t.Parallel()
	_, digest := newPolicy(t, 1)
	body := fmt.Sprintf(`{"digest":"%s","decisions":[{"chosen":1,"log_prob":-0.5}]}`, digest)
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	client := newClient(t, "http://"+scripted(t, answer)+"/v1/policies/"+string(digest))
	defer client.HTTP.CloseIdleConnections()
	for i := range 3 {
		// The server takes each further request on a connection and closes it.
		if _, err := client.Decide(t.Context(), request()); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	p, _ := newPolicy(t, 1)
	host := serve.NewHost(1)
	digest := host.Put(p)
	connections := make(chan net.Conn, 10)
	server := httptest.NewUnstartedServer(host.Handler())
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections <- c
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, server.URL+"/v1/policies/"+string(digest))
	for range 5 {
		if _, err := client.Decide(t.Context(), request()); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Weights(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(connections); n != 1 {
		t.Errorf("10 requests took %d connections", n)
	}
}

func TestUnknownPolicyIsToldApart(t *testing.T) {
	t.Parallel()
	p, digest := newPolicy(t, 1)
	_, other := newPolicy(t, 2)
	client := newClient(t, strings.Replace(start(t, p), string(digest), string(other), 1))
	if _, err := client.Decide(t.Context(), request()); !errors.Is(err, serve.ErrUnknown) || !strings.Contains(err.Error(), string(other)) {
		t.Errorf("%v, expected %v", err, serve.ErrUnknown)
	}
}

func TestRefusedRequestIsNotUnavailable(t *testing.T) {
	t.Parallel()
	p, _ := newPolicy(t, 1)
	wrong := request()
	wrong.Decisions[0].Features.Width = 2
	_, err := newClient(t, start(t, p)).Decide(t.Context(), wrong)
	var status *serve.StatusError
	if !errors.As(err, &status) || status.Status != http.StatusBadRequest || errors.Is(err, serve.ErrUnavailable) {
		t.Errorf("%v, expected status 400", err)
	}
}

func TestWrongResponseIsRefused(t *testing.T) {
	t.Parallel()
	_, digest := newPolicy(t, 1)
	for want, body := range map[string]string{
		"decided under weights": `{"digest":"other","decisions":[{"chosen":0,"log_prob":-1}]}`,
		"0 choices for 1":       `{"digest":"DIGEST","decisions":[]}`,
		"choice 0":              `{"digest":"DIGEST","decisions":[{"chosen":2,"log_prob":-1}]}`,
		"Chosen:-1":             `{"digest":"DIGEST","decisions":[{"chosen":-1,"log_prob":-1}]}`,
		"LogProb:1":             `{"digest":"DIGEST","decisions":[{"chosen":1,"log_prob":1}]}`,
		"invalid character":     `<html>`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(body, "DIGEST", string(digest), 1))
		}))
		t.Cleanup(server.Close)
		client := newClient(t, server.URL+"/v1/policies/"+string(digest))
		if _, err := client.Decide(t.Context(), request()); !errors.Is(err, serve.ErrResponse) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected an error with %q", body, err, want)
		}
		if _, err := client.Weights(t.Context()); !errors.Is(err, serve.ErrResponse) {
			t.Errorf("weights %s: %v, expected %v", body, err, serve.ErrResponse)
		}
	}
}

func TestCancelledCallReturnsTheCallersCause(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	cause := errors.New("attempt is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(cause)
	}()
	_, err := newClient(t, server.URL+"/v1/policies/"+string(blob.DigestOf(nil))).Decide(ctx, request())
	if !errors.Is(err, cause) || errors.Is(err, serve.ErrUnavailable) {
		t.Errorf("%v, expected %v", err, cause)
	}
}

func TestWrongURLIsAnErrorThatKeepsSecrets(t *testing.T) {
	t.Parallel()
	digest := string(blob.DigestOf(nil))
	for _, url := range []string{
		"", "127.0.0.1:1/v1/policies/" + digest, "ftp://h/v1/policies/" + digest, "http:///v1/policies/" + digest,
		"http://u:secret@h/v1/policies/" + digest, "http://h/" + digest + "?token=secret", "http://h/v1/policies/latest",
		"http://h:secret/v1/policies/" + digest,
	} {
		if _, err := (serve.Client{URL: url}).Decide(t.Context(), request()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
