package reward

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/job/spec"
)

// Bounds of requests to reward servers.
const (
	maxRequest  = 8 << 20 // bytes, of more than one item
	maxResponse = 8 << 20 // bytes
	requests    = 4       // at once, of one shard
)

// remote asks a server for scores. What it answers is kept under the digest of
// what was asked, and a request that was answered once is never made again: so
// a shard that is driven again gets the same scores.
type remote struct {
	spec     *spec.HTTP
	services Services
}

func newRemote(s *spec.HTTP, services Services) (Scorer, error) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, fmt.Errorf("http.url: %q is no URL with a host", s.URL)
	case services.unchecked:
	case services.Client == nil:
		return nil, fmt.Errorf("http.url: %w", errNoClient)
	case !slices.Contains(services.Hosts, u.Host) && !slices.Contains(services.Hosts, u.Hostname()):
		return nil, fmt.Errorf("http.url: the host %s is not allowed: name it with --reward-host", u.Host)
	}
	return remote{s, services}, nil
}

// question is one trace as it is sent.
type question struct {
	Task   json.RawMessage `json:"task,omitempty"`
	Thread Thread          `json:"thread"`
}

// asked is a request: some items, by their places, and its body.
type asked struct {
	places []int
	body   []byte
}

func (r remote) Score(ctx context.Context, items []Item) ([]Score, error) {
	scores := make([]Score, len(items))
	all := r.questions(items, scores)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(requests)
	for _, a := range all {
		g.Go(func() error {
			answers, err := r.services.answers(gctx, r.spec, a.body, len(a.places))
			if err != nil {
				return fmt.Errorf("ask %s for rewards: %w", r.spec.URL, err)
			}
			for i, place := range a.places {
				scores[place] = answers[i].score()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return scores, nil
}

// questions cuts the items into requests, by number and by size, in their order:
// the same items make the same requests. What cannot be sent fails.
func (r remote) questions(items []Item, scores []Score) []asked {
	var all []asked
	var places []int
	var bodies [][]byte
	size := 0
	flush := func() {
		if len(places) > 0 {
			body := append([]byte(`{"format":"cohort.reward/1","items":[`), bytes.Join(bodies, []byte(","))...)
			all = append(all, asked{places, append(body, "]}"...)})
		}
		places, bodies, size = nil, nil, 0
	}
	for i, item := range items {
		body, err := json.Marshal(question{item.Task, threadOf(item)})
		if err != nil {
			scores[i] = Score{Fault: clipped("the thread cannot be sent: " + err.Error())}
			continue
		}
		if len(places) == r.spec.Batch || size+len(body) > maxRequest {
			flush()
		}
		places, bodies, size = append(places, i), append(bodies, body), size+len(body)
	}
	flush()
	return all
}
