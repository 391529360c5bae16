package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cohort-rl/cohort/policy"
)

// wire tells what a request leaves out from what it sets to zero: a forgotten
// seed or number would quietly give every attempt the same randomness.
type wire struct {
	Seed      *uint64 `json:"seed"`
	Greedy    bool    `json:"greedy"`
	Decisions []struct {
		Number   *uint32 `json:"number"`
		Features *Rows   `json:"features"`
	} `json:"decisions"`
}

// readRequest decodes a request strictly. Its errors are for the client.
func readRequest(r io.Reader) (Request, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var in wire
	if err := decoder.Decode(&in); err != nil {
		return Request{}, fmt.Errorf("decode request: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("the body goes on after the JSON object")
		}
		return Request{}, fmt.Errorf("decode request: %w", err)
	}
	return in.request()
}

func (in wire) request() (Request, error) {
	out := Request{Greedy: in.Greedy, Decisions: make([]Decision, len(in.Decisions))}
	switch {
	case in.Seed != nil && *in.Seed > MaxSeed:
		return Request{}, fmt.Errorf("seed is %d, at most %d is allowed, since JSON numbers above lose digits in some languages", *in.Seed, MaxSeed)
	case in.Seed != nil:
		out.Seed = *in.Seed
	case !in.Greedy:
		return Request{}, errors.New("seed is missing; only greedy decisions need none")
	}
	if len(in.Decisions) == 0 {
		return Request{}, errors.New("decisions are missing; ask for at least one")
	}
	for i, d := range in.Decisions {
		if d.Number == nil && !in.Greedy {
			return Request{}, fmt.Errorf("decisions[%d].number is missing; it tells the decisions of an attempt apart", i)
		}
		if d.Features == nil || len(d.Features.Values) == 0 {
			return Request{}, fmt.Errorf("decisions[%d].features is missing; give one row of numbers for each candidate", i)
		}
		if first := in.Decisions[0].Features.Width; d.Features.Width != first {
			return Request{}, fmt.Errorf("decisions[%d].features has rows of %d numbers, those before have %d", i, d.Features.Width, first)
		}
		out.Decisions[i].Features = *d.Features
		if d.Number != nil {
			out.Decisions[i].Number = *d.Number
		}
	}
	return out, nil
}

// choices joins the decisions of a request that was read into one batch.
func (r Request) choices() policy.Choices {
	c := policy.Choices{Offsets: make([]int, 1, len(r.Decisions)+1)}
	for _, d := range r.Decisions {
		c.Width = d.Features.Width
		c.Features = append(c.Features, d.Features.Values...)
		c.Offsets = append(c.Offsets, len(c.Features)/c.Width)
	}
	return c
}
