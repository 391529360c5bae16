package reward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/cohort-rl/cohort/job/spec"
)

// maxAnswer bounds the bytes of an answer that is held against a schema.
const maxAnswer = 1 << 20

// conforming is 1 for an answer that is JSON of a schema, else 0. A thread
// without an answer has no reward.
type conforming struct {
	answer program
	schema *jsonschema.Resolved
}

func newSchema(s *spec.JSONSchema) (Scorer, error) {
	answer, err := compileText(s.Answer)
	if err != nil {
		return nil, fmt.Errorf("json_schema.answer: %w", err)
	}
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal([]byte(s.Schema), schema); err != nil {
		return nil, fmt.Errorf("json_schema.schema: %w", placed(err))
	}
	// Without a loader a reference to elsewhere is an error, here and not later.
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		return nil, fmt.Errorf("json_schema.schema: %w", err)
	}
	return conforming{answer, resolved}, nil
}

// placed adds to an error of JSON where it is.
func placed(err error) error {
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("at byte %d: %w", wrong.Offset, err)
	}
	return err
}

func (c conforming) Score(ctx context.Context, items []Item) ([]Score, error) {
	return each(ctx, items, func(ctx context.Context, item Item) (Score, error) {
		v, fault, err := c.answer.value(ctx, item)
		if err != nil || fault != "" || v == nil {
			return Score{Fault: fault}, err
		}
		text := textOf(v)
		if len(text) > maxAnswer {
			return Score{Fault: fmt.Sprintf("the answer has %d bytes, at most %d are read", len(text), maxAnswer)}, nil
		}
		var instance any
		if err := json.Unmarshal([]byte(text), &instance); err != nil {
			return Score{Given: true}, nil //nolint:nilerr // an answer that is no JSON is none of the schema
		}
		return Score{Given: true, Value: one(c.schema.Validate(instance) == nil)}, nil
	})
}
