package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxy is the way to the endpoint that the environment names. It never appears
// in errors as it was written, for it may hold a password.
type proxy struct {
	variable string // that names it
	host     string // empty for none
	choose   func(*http.Request) (*url.URL, error)
}

// proxyTo reads the environment now, so that a wrong address is an error of New:
// requests would go without the proxy. The endpoint's own machine is asked
// directly.
func proxyTo(endpoint *url.URL) (proxy, error) {
	given := httpproxy.FromEnvironment()
	find := given.ProxyFunc()
	p := proxy{variable: "HTTP_PROXY", choose: func(r *http.Request) (*url.URL, error) { return find(r.URL) }}
	address := given.HTTPProxy
	if endpoint.Scheme == "https" {
		p.variable, address = "HTTPS_PROXY", given.HTTPSProxy
	}
	some := *given
	some.HTTPProxy, some.HTTPSProxy = "http://some", "http://some"
	if way, err := some.ProxyFunc()(endpoint); address == "" || err == nil && way == nil {
		return p, nil // none is asked
	}
	way, err := parseProxy(address)
	if err != nil {
		return proxy{}, errors.New("proxy: " + p.variable + " is no address of a proxy: want http://HOST:PORT, or add the endpoint's host to NO_PROXY")
	}
	p.host = way.Host
	return p, nil
}

var errNoProxy = errors.New("no address of a proxy")

// parseProxy reads what httpproxy does, whose address may lack its scheme, but
// for what that only takes for an address.
func parseProxy(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	way, err := url.Parse(address)
	if err != nil || way.Hostname() == "" {
		return nil, errNoProxy
	}
	switch way.Scheme {
	case "http", "https", "socks5", "socks5h":
		return way, nil
	default:
		return nil, errNoProxy
	}
}

// describe says through what requests go, for errors.
func (p proxy) describe() string {
	if p.host == "" {
		return ""
	}
	return " through the proxy " + p.host + " of " + p.variable
}
