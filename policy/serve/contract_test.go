package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/serving"
)

// start serves one policy and returns its URL.
func start(tb testing.TB, p policy.Policy) string {
	tb.Helper()
	host := serve.NewHost(1)
	digest := host.Put(p)
	server := httptest.NewServer(host.Handler())
	tb.Cleanup(server.Close)
	return serve.Site{Host: host, Base: server.URL}.URL(digest)
}

// call sends a request and returns status and body.
func call(tb testing.TB, method, url, body string) (int, string) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	client := serve.NewHTTPClient(1, nil)
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// A policy of one weight 1 scores a candidate by its feature.
func TestDecideAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	p, err := policy.FromTensors([]policy.Tensor{{Name: "weight", Shape: []int{2}, Data: []float32{1, 0.5}}})
	if err != nil {
		t.Fatal(err)
	}
	status, body := call(t, http.MethodPost, start(t, p)+"/decide",
		`{"seed":7,"greedy":true,"decisions":[{"number":0,"features":[[1,2],[3, 4e0],[0.5,-1]]},{"number":1,"features":[[0,0]]}]}`)
	want := fmt.Sprintf(`{"digest":"%s","decisions":[{"chosen":1,"log_prob":-0.05498`, p.Weights().Digest())
	if status != http.StatusOK || !strings.HasPrefix(body, want) || !strings.HasSuffix(body, `},{"chosen":0,"log_prob":0}]}`) {
		t.Errorf("%d %s\nexpected %s", status, body, want)
	}
}

func TestHealthIsAnswered(t *testing.T) {
	t.Parallel()
	p, digest := newPolicy(t, 1)
	url := strings.TrimSuffix(start(t, p), "/v1/policies/"+string(digest))
	if status, body := call(t, http.MethodGet, url+"/healthz", ""); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("%d %s", status, body)
	}
}

func TestWrongRequestIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	p, digest := newPolicy(t, 1)
	url := start(t, p)
	other := strings.Repeat("0", 64)
	for _, test := range []struct {
		url, body string
		status    int
		want      string
	}{
		{url, ``, 400, "decode request"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,3]]}]}{}`, 400, "goes on after"},
		{url, `{"sead":1}`, 400, `unknown field \"sead\"`},
		{url, `{"seed":9007199254740993,"decisions":[]}`, 400, "at most 9007199254740991"},
		{url, `{"seed":-1}`, 400, "seed"},
		{url, `{"decisions":[{"number":0,"features":[[1,2,3]]}]}`, 400, "seed is missing"},
		{url, `{"seed":1}`, 400, "decisions are missing"},
		{url, `{"seed":1,"decisions":[{"features":[[1,2,3]]}]}`, 400, "decisions[0].number is missing"},
		{url, `{"seed":1,"decisions":[{"number":4294967296,"features":[[1,2,3]]}]}`, 400, "number"},
		{url, `{"seed":1,"decisions":[{"number":0}]}`, 400, "decisions[0].features is missing"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[]}]}`, 400, "decisions[0].features is missing"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":null}]}`, 400, "decisions[0].features is missing"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[]]}]}`, 400, "a row has 0 numbers"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,3],[1,2]]}]}`, 400, "a row has 2 numbers, the first has 3"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2]]}]}`, 400, "rows have 2 features, the policy takes 3"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,3]]},{"number":1,"features":[[1,2]]}]}`, 400, "decisions[1].features"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,"3"]]}]}`, 400, "array of arrays of numbers"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,[3]]]}]}`, 400, "array of arrays of numbers"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[1,2,3]}]}`, 400, "array of arrays of numbers"},
		{url, `{"seed":1,"decisions":[{"number":0,"features":[[1,2,1e39]]}]}`, 400, `1e39`},
		{url, strings.Repeat(" ", serve.MaxBody) + "{}", 413, "fewer decisions"},
		{strings.Replace(url, string(digest), other, 1), `{}`, 404, "no policy with weights " + other},
		{strings.Replace(url, string(digest), "latest", 1), `{}`, 400, `\"latest\" is no digest`},
	} {
		status, body := call(t, http.MethodPost, test.url+"/decide", test.body)
		if status != test.status || !strings.Contains(body, test.want) || !json.Valid([]byte(body)) {
			t.Errorf("%.100s: %d %s, expected %d and %q", test.body, status, body, test.status, test.want)
		}
	}
}

func TestRequestThatNeedsTooMuchMemoryIsRefused(t *testing.T) {
	t.Parallel()
	p, err := policy.New(policy.Shape{Kind: policy.MLP, Features: 1, Hidden: policy.MaxHidden}, 1)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"seed":1,"decisions":[{"number":0,"features":[[1]` + strings.Repeat(",[1]", 256) + `]}]}`
	status, text := call(t, http.MethodPost, start(t, p)+"/decide", body)
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(text, "at most 256 candidates") {
		t.Errorf("%d %s", status, text)
	}
}

func TestDivergedPolicyIsTheServersError(t *testing.T) {
	t.Parallel()
	p, err := policy.FromTensors([]policy.Tensor{{Name: "weight", Shape: []int{1}, Data: []float32{3e38}}})
	if err != nil {
		t.Fatal(err)
	}
	status, text := call(t, http.MethodPost, start(t, p)+"/decide", `{"seed":1,"decisions":[{"number":0,"features":[[9],[1]]}]}`)
	if status != http.StatusInternalServerError || !strings.Contains(text, "not finite") {
		t.Errorf("%d %s", status, text)
	}
}

func TestServeStopsWithItsContext(t *testing.T) {
	t.Parallel()
	p, _ := newPolicy(t, 1)
	host := serve.NewHost(1)
	digest := host.Put(p)
	listener := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Serve(ctx, listener) }()

	client := serve.Client{URL: "http://" + listener.Addr().String() + "/v1/policies/" + string(digest), HTTP: serve.NewHTTPClient(1, nil)}
	if _, err := client.Decide(t.Context(), request()); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	client.HTTP.CloseIdleConnections()
}

func TestPolicyBehindATokenAsksForItEverywhereButByProbes(t *testing.T) {
	t.Parallel()
	p, digest := newPolicy(t, 1)
	host := serve.NewHost(1)
	host.Put(p)
	host.Guard(serving.NewToken("0123456789abcdef"))
	server := httptest.NewServer(host.Handler())
	t.Cleanup(server.Close)
	url := serve.Site{Host: host, Base: server.URL}.URL(digest)
	for _, refused := range [][2]string{{http.MethodPost, "/decide"}, {http.MethodGet, "/weights"}} {
		if status, body := call(t, refused[0], url+refused[1], ""); status != http.StatusUnauthorized || !strings.Contains(body, "token") {
			t.Errorf("%s: %d %s", refused[1], status, body)
		}
	}
	if status, _ := call(t, http.MethodGet, server.URL+"/healthz", ""); status != http.StatusOK {
		t.Errorf("the health check answers %d", status)
	}
	client := newClient(t, url)
	if _, err := client.Decide(t.Context(), request()); !strings.Contains(fmt.Sprint(err), "401") {
		t.Errorf("without the token: %v", err)
	}
	client.Token = "0123456789abcdef"
	if _, err := client.Decide(t.Context(), request()); err != nil {
		t.Errorf("with the token: %v", err)
	}
	if _, err := client.Weights(t.Context()); err != nil {
		t.Errorf("with the token: %v", err)
	}
}
