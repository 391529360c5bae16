// Package proxy says through which proxy an HTTP client goes, by the environment.
package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Way is the way to an endpoint that the environment names. It never appears in
// errors as it was written, for it may hold a password.
type Way struct {
	variable string // that names it
	host     string // empty for none
	find     func(*url.URL) (*url.URL, error)
}

// To reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY now, so that a wrong address is
// an error that names the variable: requests would go without the proxy. This
// machine itself is asked directly.
func To(endpoint *url.URL) (Way, error) {
	given := httpproxy.FromEnvironment()
	p := Way{variable: "HTTP_PROXY", find: given.ProxyFunc()}
	address := given.HTTPProxy
	if endpoint.Scheme == "https" {
		p.variable, address = "HTTPS_PROXY", given.HTTPSProxy
	}
	some := *given
	some.HTTPProxy, some.HTTPSProxy = "http://some", "http://some"
	if way, err := some.ProxyFunc()(endpoint); address == "" || err == nil && way == nil {
		return p, nil // none is asked
	}
	way, err := parse(address)
	if err != nil {
		return Way{}, errors.New("proxy: " + p.variable + " is no address of a proxy: want http://HOST:PORT, or add the host that is asked to NO_PROXY")
	}
	p.host = way.Host
	return p, nil
}

var errNoProxy = errors.New("no address of a proxy")

// parse reads what httpproxy does, whose address may lack its scheme, but
// for what that only takes for an address.
func parse(address string) (*url.URL, error) {
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

// Choose returns the proxy of a request, nil for none: the Proxy of an
// http.Transport.
func (p Way) Choose(r *http.Request) (*url.URL, error) { return p.find(r.URL) }

// Describe says through what requests go, for errors; it is empty for no proxy.
func (p Way) Describe() string {
	if p.host == "" {
		return ""
	}
	return " through the proxy " + p.host + " of " + p.variable
}
