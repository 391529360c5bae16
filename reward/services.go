package reward

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/secret"
)

// Services are what rewards need that ask a server. The zero value serves all
// others.
type Services struct {
	// Client makes the requests. It must follow no redirect.
	Client *http.Client
	// Hosts are those that may be asked: a name, or a name and a port.
	Hosts []string
	// Token is sent as a bearer token, if it is set.
	Token secret.Text
	Clock clock.Clock
	// Store keeps answers under Prefix; without one a request is made each time.
	Store  blob.Bucket
	Prefix string

	unchecked bool // Only what a spec holds is looked at.
}

// Client is an HTTP client for rewards: without a proxy and without redirects,
// which would leave the hosts that are allowed.
func Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 2 * requests, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errRefused says that asking again changes nothing.
var errRefused = errors.New("the server refuses")

// ask asks until there is an answer, an answer that says no, or the spec's number
// of attempts is spent.
func (s Services) ask(ctx context.Context, to *spec.HTTP, body []byte, n int) (all []answer, err error) {
	pause, longest := to.Backoff.Std(), 40*to.Backoff.Std()
	for attempt := 1; ; attempt++ {
		all, err = s.once(ctx, to, body, n)
		if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil || attempt >= to.Attempts {
			break
		}
		if err := s.Clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(2*pause, longest)
	}
	return all, err
}

// once makes one request.
func (s Services) once(ctx context.Context, to *spec.HTTP, body []byte, n int) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, to.Timeout.Std())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if s.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s.Token.Reveal())
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err != nil {
		return nil, err
	}
	switch code := response.StatusCode; {
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500:
		return nil, fmt.Errorf("it answers %s", response.Status)
	case code != http.StatusOK:
		return nil, fmt.Errorf("%w: it answers %s: %s", errRefused, response.Status, clipped(string(text[:min(len(text), maxFault)])))
	case len(text) > maxResponse:
		return nil, fmt.Errorf("%w: its answer has more than %d bytes", errRefused, maxResponse)
	}
	var said struct {
		Rewards []answer `json:"rewards"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("%w: its answer cannot be read: %w", errRefused, err)
	}
	if len(said.Rewards) != n {
		return nil, fmt.Errorf("%w: it gave %d rewards for %d items", errRefused, len(said.Rewards), n)
	}
	return said.Rewards, nil
}
