package endtoend_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/trust"
	"github.com/cohort-rl/cohort/trust/trusttest"
)

// askWith asks with a token, empty for none.
func askWith(t *testing.T, settings *tls.Config, url, token string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}, Timeout: time.Minute}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// The API and the policies are served over TLS and ask for a token; the agent is
// given one with the policy's address. The job ends as it does without.
func TestJobOverTLSAndTokens(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef-token"
	cert, key := trusttest.Files(t)
	settings, err := trust.Client(cert)
	if err != nil {
		t.Fatal(err)
	}
	guard := []string{"--tls-cert", cert, "--tls-key", key, "--metrics-listen", "127.0.0.1:0"}
	c := startCluster(t, "file://"+t.TempDir(), []string{"COHORT_TOKEN=" + token}, 0, 0)
	coordinator := c.launch(t, "coordinator", 0, append(guard, "--listen", "127.0.0.1:0")...)
	worker := c.launch(t, "worker", 0, append(guard, "--grace", "1s", "--check", "20ms")...)
	address := coordinator.said(t, "Coordinator is ready.", "api")
	policies := worker.said(t, "Worker is ready.", "policies")
	if !strings.HasPrefix(address, "https://") || !strings.HasPrefix(policies, "https://") {
		t.Fatalf("served are %s and %s", address, policies)
	}
	client, err := api.NewClient(address, api.Access{Token: token, TLS: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s := smallJob{agent: startAgentTrusting(t, nil, settings).url, steps: 1, tasks: four()}
	to := system{client, openStore(t, c.store)}
	id := s.submit(t, to)
	head := awaitEnd(t, to.store, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, without TLS at %s", head.Checkpoint, want)
	}

	for _, p := range []*process{coordinator, worker} {
		ready := map[string]string{"coordinator 0": "Coordinator is ready.", "worker 0": "Worker is ready."}[p.name]
		measured := p.said(t, ready, "metrics")
		if status, body := askWith(t, settings, measured+"/readyz", ""); status != http.StatusOK {
			t.Errorf("%s is not ready: %d %s", p.name, status, body)
		}
		if status, _ := askWith(t, settings, measured+"/metrics", ""); status != http.StatusUnauthorized {
			t.Errorf("%s tells its metrics without the token: %d", p.name, status)
		}
		_, body := askWith(t, settings, measured+"/metrics", token)
		want := map[string]string{"coordinator 0": "\ncohort_commits_total 1\n", "worker 0": "\ncohort_attempts_total{result=\"answered\"} 32\n"}[p.name]
		if !strings.Contains(body, want) {
			t.Errorf("%s does not tell%sbut\n%s", p.name, want, body)
		}
		if strings.Contains(p.log.String(), token) {
			t.Errorf("%s tells the token", p.name)
		}
	}
	weights := policies + "/v1/policies/" + strings.Repeat("0", 64) + "/weights"
	for presented, want := range map[string]int{"": http.StatusUnauthorized, token: http.StatusUnauthorized} {
		if status, body := askWith(t, settings, weights, presented); status != want {
			t.Errorf("policies answer the token %q with %d %s", presented, status, body)
		}
	}
	if status, _ := askWith(t, settings, address+"/v1/jobs", ""); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d without a token", status)
	}
}

func TestListenerBeyondLoopbackIsRefusedWithTheFlagsThatGuardIt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"coordinator", "worker"} {
		p, err := start(programNamed(t, name), nil, "--store", "file://"+t.TempDir(), "--listen", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.endedBy(t, func() {}); err == nil || p.cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%s ended with %v", name, err)
		}
		for _, flag := range []string{"--listen", "--tls-cert", "--tls-key", "--token-file", "COHORT_TOKEN"} {
			if !strings.Contains(p.log.String(), flag) {
				t.Errorf("%s does not name %s: %s", name, flag, &p.log)
			}
		}
	}
}
