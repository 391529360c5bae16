package telemetry

import (
	"context"
)

// Completion is what a language model answered.
type Completion struct {
	// Policy is the digest of the weights that answered, if they are trained.
	Policy string
	// Response has the token ids, LogProbs the log-probability of each.
	Response []uint32
	LogProbs []float32
}

// Model calls a language model and records the call: token ids of prompt and
// response, and the response's log-probabilities. Calls of a thread are counted
// from 0. When the model fails, that is recorded as the error of a [Node] of its
// name, and returned as a *NodeError. A response without its log-probabilities
// is refused.
func Model(ctx context.Context, model string, prompt []uint32, call func(ctx context.Context, prompt []uint32) (Completion, error)) (Completion, error) {
	var completion Completion
	thread := FromContext(ctx)
	inside, at := enter(ctx, model)
	if err := thread.callable("model", model, at, call == nil); err != nil {
		return completion, err
	}
	_, err := thread.call(ctx, at, func() (err error) {
		completion, err = call(inside, prompt)
		if err != nil {
			return err
		}
		return thread.recordModel(ctx, at, ModelCall{
			Policy: completion.Policy, Model: model, Prompt: prompt, Response: completion.Response, LogProbs: completion.LogProbs,
		})
	})
	return completion, err
}

// recordModel records a call under the next number.
func (t *Thread) recordModel(ctx context.Context, name string, call ModelCall) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return ErrEnded
	}
	call.Number = t.models
	err := t.admit(ctx, name, call, nil)
	if err == nil {
		t.models++
	}
	return err
}
