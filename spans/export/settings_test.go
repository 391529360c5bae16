package export_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/spans/export"
)

func settings(endpoint string, variables ...string) export.Settings {
	set := map[string]string{}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		set["OTEL_"+name] = value
	}
	return export.Settings{Endpoint: endpoint, Getenv: func(name string) string { return set[name] }}
}

const here = "http://127.0.0.1:4318"

func TestSpansAreExportedOnlyWhereSomebodyAsked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		settings export.Settings
		want     bool
	}{
		"nothing set":          {settings(""), false},
		"other variables":      {settings("", "SERVICE_NAME=x", "EXPORTER_OTLP_HEADERS=a=b"), false},
		"the flag":             {settings(here), true},
		"the general variable": {settings("", "EXPORTER_OTLP_ENDPOINT="+here), true},
		"the one of traces":    {settings("", "EXPORTER_OTLP_TRACES_ENDPOINT="+here), true},
		"another exporter":     {settings("", "EXPORTER_OTLP_ENDPOINT="+here, "TRACES_EXPORTER=none"), false},
		"disabled":             {settings(here, "SDK_DISABLED=true"), false},
	} {
		if got := c.settings.Wanted(); got != c.want {
			t.Errorf("%s: wanted is %v", what, got)
		}
		if err := c.settings.Validate(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWrongSettingsAreNamedAndSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	const secret = "hidden"
	for _, c := range []struct {
		settings export.Settings
		want     string
	}{
		{settings("localhost:4318"), "--traces-endpoint"},
		{settings("http://u:" + secret + "@h"), "--traces-endpoint"},
		{settings("http://u:" + secret + "@h:port"), "--traces-endpoint"},
		{settings("", "EXPORTER_OTLP_ENDPOINT=h:4317"), "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{settings("", "EXPORTER_OTLP_TRACES_ENDPOINT=https://"), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{settings(here, "EXPORTER_OTLP_HEADERS=a=b,"+secret), "OTEL_EXPORTER_OTLP_HEADERS: header 2"},
		{settings(here, "EXPORTER_OTLP_TRACES_HEADERS=a b="+secret), "OTEL_EXPORTER_OTLP_TRACES_HEADERS: header 1"},
		{settings(here, "EXPORTER_OTLP_HEADERS=a="+secret+"%zz"), "OTEL_EXPORTER_OTLP_HEADERS: header 1"},
		{settings(here, "EXPORTER_OTLP_PROTOCOL=grpc"), "http/protobuf"},
		{settings(here, "TRACES_SAMPLER=traceidratio", "TRACES_SAMPLER_ARG=2"), "OTEL_TRACES_SAMPLER_ARG"},
		{settings(here, "TRACES_SAMPLER=jaeger_remote"), "OTEL_TRACES_SAMPLER"},
	} {
		err := c.settings.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
	right := settings(here, "EXPORTER_OTLP_HEADERS=Authorization=Bearer%20x, b=c=d", "EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf",
		"EXPORTER_OTLP_PROTOCOL=grpc", "TRACES_SAMPLER=parentbased_traceidratio", "TRACES_SAMPLER_ARG=0.5")
	if err := right.Validate(); err != nil {
		t.Error(err)
	}
}

func TestFlagNamesACollectorWithOrWithoutAPath(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- r.URL.Path
	}))
	defer server.Close()
	for path, want := range map[string]string{"": "/v1/traces", "/": "/v1/traces", "/team/v1/traces": "/team/v1/traces"} {
		c := &counts{}
		p, err := export.Open(t.Context(), settings(server.URL+path), export.Process{Service: "s"}, export.Config{Counts: c, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		spend(t, p, 1)
		p.Close(short(t, time.Minute))
		if c.exported != 1 {
			t.Fatalf("counted %+v", c)
		}
		if got := <-asked; got != want {
			t.Errorf("%q asks for %s, want %s", path, got, want)
		}
	}
	if p, err := export.Open(t.Context(), settings(""), export.Process{}, export.Config{}); p != nil || err != nil {
		t.Error("a provider that nobody wants:", p, err)
	}
}
