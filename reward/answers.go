package reward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

// answers is the record of what a server answered to a request. Request is the
// digest of what was asked, of the URL and the body.
type answers struct {
	Format  string      `json:"format"`
	Request blob.Digest `json:"request"`
	Answers []answer    `json:"answers"`
}

// answer is what a server said of one item: a value, an error, or neither, which
// is no reward.
type answer struct {
	Value *float64 `json:"value,omitempty"`
	Error string   `json:"error,omitempty"`
}

// UnmarshalJSON takes a number, null, or an object with value or error.
func (a *answer) UnmarshalJSON(body []byte) error {
	*a = answer{}
	if len(body) > 0 && body[0] != '{' {
		return json.Unmarshal(body, &a.Value)
	}
	var object struct {
		Value *float64 `json:"value"`
		Error *string  `json:"error"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		return err
	}
	if a.Value = object.Value; object.Error != nil {
		a.Value, a.Error = nil, clipped(*object.Error)
	}
	return nil
}

func (a answer) score() Score {
	switch {
	case a.Error != "":
		return Score{Fault: "the server says: " + a.Error}
	case a.Value == nil:
		return Score{}
	case math.IsInf(*a.Value, 0): // JSON has no NaN
		return Score{Fault: "the server's reward is not finite"}
	}
	return Score{Given: true, Value: *a.Value}
}

// answers are what a server says to a request, now or when it was first asked.
// Whose record is first in the store is right, for all.
func (s Services) answers(ctx context.Context, to *spec.HTTP, body []byte, n int) ([]answer, error) {
	digest := blob.DigestOf(append([]byte(to.URL+"\n"), body...))
	if s.Store == nil {
		return s.ask(ctx, to, body, n)
	}
	key := s.Prefix + string(digest) + ".json"
	kept, _, err := records.Read[answers](ctx, s.Store, key, job.AnswersFormat)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
		said, err := s.ask(ctx, to, body, n)
		if err != nil {
			return nil, err
		}
		kept, _, err = records.Remake(ctx, s.Store, key, job.AnswersFormat, &answers{Format: job.AnswersFormat, Request: digest, Answers: said})
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	if kept.Request != digest || len(kept.Answers) != n {
		return nil, fmt.Errorf("read %s: it holds %d answers to another request", key, len(kept.Answers))
	}
	return kept.Answers, nil
}
