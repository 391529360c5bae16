package export

import (
	"context"
	"fmt"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
)

// Process says whose spans they are.
type Process struct {
	Service string // such as cohort-worker
	Name    string // of this process among them
	Version string
}

// Open returns a provider that sends spans where the settings say, or nil if
// they want none. It connects to nothing yet.
func Open(ctx context.Context, s Settings, who Process, c Config) (*Provider, error) {
	if !s.Wanted() {
		return nil, nil //nolint:nilnil // no provider and no error: there are no spans
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	var options []otlptracehttp.Option
	if s.Endpoint != "" {
		to, err := url.Parse(s.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("--traces-endpoint: %w", err)
		}
		if to.Path == "" || to.Path == "/" {
			to.Path = "/v1/traces"
		}
		options = append(options, otlptracehttp.WithEndpointURL(to.String()))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("export spans: %w", err)
	}
	if c.Sampler, err = s.sampler(); err != nil {
		return nil, err
	}
	// What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes first.
	c.Resource, err = sdkresource.New(ctx, sdkresource.WithTelemetrySDK(), sdkresource.WithAttributes(
		attribute.String("service.name", who.Service), attribute.String("service.namespace", "cohort"),
		attribute.String("service.instance.id", who.Name), attribute.String("service.version", who.Version),
	), sdkresource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return New(exporter, c), nil
}
