package api_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/api"
)

func TestWrongProxyIsAnErrorOfTheClientThatNamesItsVariable(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "http://me:hunter2@proxy:port")
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	for server, variable := range map[string]string{"http://cohort.example:7070": "HTTP_PROXY", "https://cohort.example": "HTTPS_PROXY"} {
		_, err := api.NewClient(server, api.Access{})
		if err == nil || !strings.Contains(err.Error(), variable+" is no address of a proxy") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s named and no password", server, err, variable)
		}
	}
	if _, err := api.NewClient("http://127.0.0.1:7070", api.Access{}); err != nil {
		t.Errorf("this machine itself, which no proxy is asked for: %v", err)
	}
}
