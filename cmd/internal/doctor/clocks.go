package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/proxy"
	"github.com/cohort-rl/cohort/trust"
)

// maxSkew is how far clocks may be apart before it is told. Nothing of Cohort
// depends on them; logins with S3 and certificates do.
const maxSkew = 2 * time.Second

// amazon is where a store without an endpoint is.
const amazon = "https://s3.amazonaws.com"

// reading is how far another clock is ahead of this one, up to an error.
type reading struct {
	whose      string
	ahead, err time.Duration
}

// clocks compares the clocks of whoever tells the time.
func (p *patient) clocks(ctx context.Context) Finding {
	var readings []reading
	if r, err := p.redisClock(ctx); err == nil {
		readings = append(readings, r)
	}
	if endpoint, config, err := p.storeEndpoint(); err == nil {
		if r, err := p.webClock(ctx, "the store", endpoint, config); err == nil {
			readings = append(readings, r)
		}
	}
	if r, err := p.webClockOf(ctx, "the coordinator", p.Address, p.Server.HTTP); err == nil {
		readings = append(readings, r)
	}
	if len(readings) == 0 {
		return Finding{Status: Skipped, Found: "nobody else tells the time"}
	}
	var told []string
	wrong := false
	for _, r := range readings {
		told = append(told, fmt.Sprintf("%s %+.1f s", r.whose, r.ahead.Seconds()))
		wrong = wrong || r.ahead.Abs() > maxSkew+r.err
	}
	f := ok("against this machine: " + strings.Join(told, ", "))
	if wrong {
		f.Status, f.Remedy = Warning, "set the clocks by NTP; S3 refuses requests whose time is 15 minutes off"
	}
	return f
}

func (p *patient) redisClock(ctx context.Context) (reading, error) {
	if p.redis == nil {
		return reading{}, errors.New("there is no Redis")
	}
	before := p.Now()
	at, err := p.redis.Time(ctx).Result()
	if err != nil {
		return reading{}, err
	}
	return between("Redis", before, at, p.Now(), 0), nil
}

// storeEndpoint is where an s3 store answers, and how to ask there.
func (p *patient) storeEndpoint() (string, *http.Transport, error) {
	u, err := url.Parse(p.Services.Store)
	if err != nil || u.Scheme != "s3" {
		return "", nil, errors.New("the store has no clock of its own")
	}
	endpoint := u.Query().Get("endpoint")
	if endpoint == "" {
		endpoint = amazon
	}
	settings, err := trust.Client(u.Query().Get("ca"))
	if err != nil {
		return "", nil, err
	}
	at, err := url.Parse(endpoint)
	if err != nil {
		return "", nil, errors.New("the endpoint in the store's URL is no URL")
	}
	way, err := proxy.To(at)
	if err != nil {
		return "", nil, err
	}
	return endpoint, &http.Transport{Proxy: way.Choose, TLSClientConfig: settings, DisableKeepAlives: true}, nil
}

func (p *patient) webClock(ctx context.Context, whose, address string, transport *http.Transport) (reading, error) {
	defer transport.CloseIdleConnections()
	return p.webClockOf(ctx, whose, address, &http.Client{Transport: transport})
}

// webClockOf reads the time of any answer; it has whole seconds.
func (p *patient) webClockOf(ctx context.Context, whose, address string, client *http.Client) (reading, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return reading{}, err
	}
	before := p.Now()
	response, err := client.Do(request)
	if err != nil {
		return reading{}, err
	}
	response.Body.Close()
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return reading{}, err
	}
	return between(whose, before, at.Add(time.Second/2), p.Now(), time.Second/2), nil
}

// between takes the other's time as that of the middle of the request.
func between(whose string, before, at, after time.Time, resolution time.Duration) reading {
	half := after.Sub(before) / 2
	return reading{whose: whose, ahead: at.Sub(before.Add(half)), err: half + resolution}
}
