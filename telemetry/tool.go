package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// Attributes of a ToolCall whose input or output was too large: how many bytes
// it had before it was cut.
const (
	CutInputAttribute  = "cohort.input_bytes"
	CutOutputAttribute = "cohort.output_bytes"
)

// Tool calls a tool and records the call: input, output and duration. Input and
// output are recorded as they are if they are text or bytes, else as JSON, and
// cut at a quarter of Limits.EventBytes. When the tool fails, its error follows,
// as that of a [Node] of its name, and is returned as a *NodeError.
func Tool[In, Out any](ctx context.Context, name string, in In, call func(ctx context.Context, in In) (Out, error)) (Out, error) {
	var out Out
	thread := FromContext(ctx)
	inside, at := enter(ctx, name)
	if err := thread.callable("tool", name, at, call == nil); err != nil {
		return out, err
	}
	input, err := payload(in)
	if err != nil {
		return out, fmt.Errorf("%w: input of tool %s: %w", ErrInvalidEvent, name, err)
	}
	began := thread.now()
	_, err = thread.call(ctx, at, func() (err error) {
		out, err = call(inside, in)
		record := ToolCall{Tool: name, Input: input, Duration: thread.since(began)}
		if err != nil {
			if recording := thread.recordTool(ctx, at, record); recording != nil {
				return fmt.Errorf("%w (and recording it: %w)", err, recording)
			}
			return err
		}
		if record.Output, err = payload(out); err != nil {
			return fmt.Errorf("%w: output of tool %s: %w", ErrInvalidEvent, name, err)
		}
		return thread.recordTool(ctx, at, record)
	})
	return out, err
}

// recordTool records a call, cut to size.
func (t *Thread) recordTool(ctx context.Context, at string, call ToolCall) error {
	limit := t.sink.settings().limits.EventBytes / 4
	var attributes []Attribute
	for _, p := range []struct {
		key   string
		bytes *[]byte
	}{{CutInputAttribute, &call.Input}, {CutOutputAttribute, &call.Output}} {
		if size := len(*p.bytes); size > limit {
			*p.bytes = (*p.bytes)[:limit]
			attributes = append(attributes, Attribute{p.key, strconv.Itoa(size)})
		}
	}
	return t.Record(ctx, at, call, attributes...)
}

// payload is a value as a ToolCall has it.
func payload(value any) ([]byte, error) {
	switch v := value.(type) {
	case []byte:
		return v, nil
	case json.RawMessage:
		return v, nil
	case string:
		return []byte(v), nil
	default:
		return json.Marshal(v)
	}
}
