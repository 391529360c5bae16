package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// proxy stands between the programs and a service.
type proxy struct{ *toxiproxy.Proxy }

func startProxy(name, upstream string) (*proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := &proxy{toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start the proxy of %s: %w", name, err)
	}
	return p, nil
}

// address is where the programs reach the service.
func (p *proxy) address() string { return p.Listen }

// cut ends all connections and refuses new ones until mend.
func (p *proxy) cut() { p.Stop() }

// mend takes connections again, at the same address.
func (p *proxy) mend() error { return p.Start() }

// slow delays every answer until fast.
func (p *proxy) slow(by time.Duration) error {
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":"slow","type":"latency","stream":"downstream","attributes":{"latency":%d,"jitter":%d}}`, by.Milliseconds(), by.Milliseconds()/2)))
	return err
}

// hang lets nothing through, without closing a connection, until fast.
func (p *proxy) hang() error {
	_, err := p.Toxics.AddToxicJson(strings.NewReader(`{"name":"slow","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`))
	return err
}

func (p *proxy) fast(ctx context.Context) error { return p.Toxics.RemoveToxic(ctx, "slow") }

func (p *proxy) stop() { p.Stop() }
