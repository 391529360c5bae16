package api_test

import (
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob/mem"
)

func TestTokenIsAskedForEverywhereButByProbes(t *testing.T) {
	t.Parallel()
	as := documented(t, "Failure")
	r := start(t, mem.New(), func(c *api.Config) { c.Token = "secret" })
	for _, route := range r.server.Routes() {
		want := 401
		if route.Path == "/healthz" || route.Path == "/readyz" {
			want = 200
		}
		for _, presented := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer secret2", "secret", "Basic secret"} {
			status, body := r.call(t, route.Method, route.Path, "", "Authorization", presented)
			if status != want {
				t.Errorf("%s %s with %q: %d %s", route.Method, route.Path, presented, status, body)
			}
			if want == 401 {
				as.check(t, "Failure", body)
			}
		}
	}
	if status, body := r.call(t, "GET", "/v1/version", "", "Authorization", "Bearer secret"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if _, err := r.client.Version(t.Context()); err != nil {
		t.Errorf("the client's token: %v", err)
	}
	if status, body := r.call(t, "GET", "/healthz", "", "Host", "cohort.example"); status != 200 {
		t.Errorf("a server with a token has any name: %d %s", status, body)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	as := documented(t, "Failure")
	r := start(t, mem.New())
	for _, headers := range [][]string{
		{"Host", "evil.example"},
		{"Host", "127.0.0.1.evil.example:80"},
		{"Host", "192.0.2.1:7700"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://evil.example"},
	} {
		status, body := r.call(t, "POST", "/v1/jobs/any/cancel", "", headers...)
		if status != 403 {
			t.Errorf("%q: %d %s", headers, status, body)
		}
		as.check(t, "Failure", body)
	}
	for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1:7070", "127.1.2.3", "[::1]:7700"} {
		if status, body := r.call(t, "GET", "/v1/version", "", "Host", host); status != 200 {
			t.Errorf("%s: %d %s", host, status, body)
		}
	}
}
