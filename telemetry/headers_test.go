package telemetry_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestContradictingHeadersAreErrors(t *testing.T) {
	t.Parallel()
	instance := strings.Repeat("0a", 16)
	for name, c := range map[string]struct {
		headers []string // key, value, ...
		want    error
	}{
		"none":                      {nil, nil},
		"foreign":                   {[]string{"x", "1", "x", "2"}, nil},
		"whole":                     {[]string{"producer", instance, "sequence", "18446744073709551615", "schema", telemetry.Schema}, nil},
		"twice":                     {[]string{"tenant", "a", "tenant", "b"}, telemetry.ErrInvalidHeaders},
		"no sequence":               {[]string{"producer", instance}, telemetry.ErrInvalidHeaders},
		"no producer":               {[]string{"sequence", "1"}, telemetry.ErrInvalidHeaders},
		"sequence beyond 64 bits":   {[]string{"producer", instance, "sequence", "18446744073709551616"}, telemetry.ErrInvalidHeaders},
		"negative sequence":         {[]string{"producer", instance, "sequence", "-1"}, telemetry.ErrInvalidHeaders},
		"instance in capitals":      {[]string{"producer", strings.ToUpper(instance), "sequence", "1"}, telemetry.ErrInvalidHeaders},
		"short instance":            {[]string{"producer", "0a", "sequence", "1"}, telemetry.ErrInvalidHeaders},
		"schema of another version": {[]string{"schema", "cohort.telemetry.v2.Event"}, telemetry.ErrInvalidHeaders},
		"another content type":      {[]string{"content-type", "application/json"}, telemetry.ErrInvalidHeaders},
		"too many":                  {make([]string, 34), telemetry.ErrInvalidHeaders},
	} {
		var headers []telemetry.Header
		for i := 0; i < len(c.headers); i += 2 {
			headers = append(headers, telemetry.Header{Key: c.headers[i], Value: []byte(c.headers[i+1])})
		}
		if _, err := telemetry.ParseHeaders(headers, telemetry.DefaultLimits()); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: says %v, want %v", name, err, c.want)
		}
	}
	large := []telemetry.Header{{Key: "baggage", Value: make([]byte, 1<<20)}}
	var tooLarge *telemetry.PayloadTooLarge
	if _, err := telemetry.ParseHeaders(large, telemetry.DefaultLimits()); !errors.As(err, &tooLarge) {
		t.Errorf("large headers: says %v", err)
	}
}

func TestTraceContextFromHTTPDropsWhatIsMalformed(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for given, want := range map[string]string{
		parent: parent,
		strings.Replace(parent, "00-", "cc-", 1) + "-more": strings.Replace(parent, "00-", "cc-", 1) + "-more",
		parent + "-more":        "",
		strings.ToUpper(parent): "",
		"ff" + parent[2:]:       "",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01":  "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		"garbage": "",
	} {
		in := http.Header{}
		in.Set("traceparent", given)
		in.Add("tracestate", "a=1")
		in.Add("tracestate", "b=2")
		in.Set("baggage", "k=v")
		state := ""
		if want != "" {
			state = "a=1,b=2"
		}
		got := telemetry.TraceFromHTTP(in)
		if got != (telemetry.Trace{Parent: want, State: state, Baggage: "k=v"}) {
			t.Errorf("%q gives %+v", given, got)
		}
		out := http.Header{}
		telemetry.TraceFrom(telemetry.WithTrace(t.Context(), got)).SetHTTP(out)
		if telemetry.TraceFromHTTP(out) != got {
			t.Errorf("%+v does not survive a request: %v", got, out)
		}
	}
}

// What headers would not fit is refused before it takes a place.
func TestBaggageOverTheLimitIsRefusedAtAdmission(t *testing.T) {
	t.Parallel()
	p := startBroker(t, 1).newProducer(t, nil)
	ctx := telemetry.WithTrace(t.Context(), telemetry.Trace{Baggage: strings.Repeat("x", 20<<10)})
	var tooLarge *telemetry.PayloadTooLarge
	if err := p.Admit(ctx, reward("t", 0)); !errors.As(err, &tooLarge) || tooLarge.What != "headers" {
		t.Errorf("Admit says %v, want headers too large", err)
	}
	if err := p.Admit(ctx, telemetry.Event{Time: noon(), Body: telemetry.Marker{Nonce: "n"}}); !errors.Is(err, telemetry.ErrInvalidEvent) {
		t.Errorf("Admit of a marker says %v", err)
	}
	if a := p.Accounts(); a != (telemetry.Accounts{Refused: 1, Discarded: 1}) {
		t.Errorf("accounts are %+v", a)
	}
}
