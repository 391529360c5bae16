package export

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Settings are where spans are sent, as a flag and OpenTelemetry's standard
// variables say.
type Settings struct {
	// Endpoint is the URL of the flag --traces-endpoint; empty if it is not given.
	Endpoint string
	// Getenv reads a variable.
	Getenv func(name string) string
}

// The standard variables, each read for traces alone first.
const (
	generalEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesEndpoint  = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	generalHeaders  = "OTEL_EXPORTER_OTLP_HEADERS"
	tracesHeaders   = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	generalProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	tracesProtocol  = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	samplerName     = "OTEL_TRACES_SAMPLER"
	samplerArgument = "OTEL_TRACES_SAMPLER_ARG"
)

// Wanted says whether spans are to be exported.
func (s Settings) Wanted() bool {
	if strings.EqualFold(s.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	return s.Endpoint != "" || s.Getenv("OTEL_TRACES_EXPORTER") != "none" && (s.Getenv(generalEndpoint) != "" || s.Getenv(tracesEndpoint) != "")
}

// Validate names the first setting that is wrong, if spans are wanted. It never
// tells what is in a header.
func (s Settings) Validate() error {
	if !s.Wanted() {
		return nil
	}
	for _, e := range []struct{ name, value string }{
		{"--traces-endpoint", s.Endpoint}, {tracesEndpoint, s.Getenv(tracesEndpoint)}, {generalEndpoint, s.Getenv(generalEndpoint)},
	} {
		if err := checkEndpoint(e.value); err != nil {
			return fmt.Errorf("%s: %w: use a URL such as http://127.0.0.1:4318", e.name, err)
		}
	}
	for _, name := range []string{tracesHeaders, generalHeaders} {
		if err := checkHeaders(s.Getenv(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range []string{tracesProtocol, generalProtocol} {
		protocol := s.Getenv(name)
		if protocol == "" {
			continue
		}
		if protocol != "http/protobuf" {
			return fmt.Errorf("%s %q: spans are sent as http/protobuf: use that, and the collector's port for it, which is 4318 in most places", name, protocol)
		}
		break // That of traces alone goes first.
	}
	_, err := s.sampler()
	return err
}

func checkEndpoint(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil: // which quotes it, and with it what may be a password
		return errors.New("it is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("it does not begin with http:// or https:// and a host")
	case u.User != nil:
		return fmt.Errorf("it must not carry a user or password, which belong into %s", tracesHeaders)
	}
	return nil
}

func checkHeaders(text string) error {
	if text == "" {
		return nil
	}
	n := 0
	for pair := range strings.SplitSeq(text, ",") {
		n++
		key, value, found := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		if _, err := url.PathUnescape(value); !found || err != nil || key == "" || strings.ContainsFunc(key, outsideToken) {
			return fmt.Errorf("header %d is not as it must be: use KEY=VALUE,KEY=VALUE with percent-encoded values", n)
		}
	}
	return nil
}

// outsideToken says which characters a header's name has none of (RFC 9110,
// section 5.6.2).
func outsideToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// sampler is what the standard variables ask for. The parents of our spans are
// names and nobody's decision, so a sampler that asks its parent is that of
// roots: it takes or leaves whole jobs.
func (s Settings) sampler() (sdktrace.Sampler, error) {
	name, argument := s.Getenv(samplerName), s.Getenv(samplerArgument)
	switch strings.TrimPrefix(name, "parentbased_") {
	case "", "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		share := 1.0
		if argument != "" {
			var err error
			if share, err = strconv.ParseFloat(argument, 64); err != nil || !(share >= 0 && share <= 1) {
				return nil, fmt.Errorf("%s %q: use the share of jobs to trace, 0 to 1", samplerArgument, argument)
			}
		}
		return sdktrace.TraceIDRatioBased(share), nil
	}
	return nil, fmt.Errorf("%s %q: use always_on, always_off or traceidratio", samplerName, name)
}
