package convention

import (
	"fmt"
	"math"
)

// tokenIDs reads a list of token ids. It returns what is wrong with it, if it
// is there and is none.
func tokenIDs(v any) (ids []int64, fault string) {
	v = structure(v)
	if v == nil {
		return nil, ""
	}
	list, ok := v.([]any)
	if !ok {
		return nil, "no list"
	}
	ids = make([]int64, len(list))
	for i, item := range list {
		id, ok := count(item)
		if _, spelled := item.(string); !ok || spelled || id > math.MaxUint32 {
			return nil, fmt.Sprintf("number %d of %d is no token id", i, len(list))
		}
		ids[i] = id
	}
	return ids, ""
}

// logProbs reads the log-probabilities of a response's tokens: a list of
// numbers or of objects with one, or an object that holds such a list. It
// returns what is wrong with them, if they are there and are none: each is a
// number of at most 0.
func logProbs(v any) (probs []float64, fault string) {
	v = structure(v)
	if tree, ok := v.(map[string]any); ok {
		v = structure(first(tree, "content", "token_logprobs"))
	}
	if v == nil {
		return nil, ""
	}
	list, ok := v.([]any)
	if !ok {
		return nil, "no list"
	}
	probs = make([]float64, len(list))
	for i, item := range list {
		if token, ok := item.(map[string]any); ok {
			item = first(token, "logprob", "log_prob")
		}
		p, ok := number(item)
		if !ok || math.IsNaN(p) || math.IsInf(p, 0) || p > 0 {
			return nil, fmt.Sprintf("number %d of %d is no log-probability: %.20s", i, len(list), text(item))
		}
		probs[i] = p
	}
	return probs, ""
}

// respond fills in what a whole response says and the call does not have yet.
// Of several choices the first is the answer.
func (c *Call) respond(v any) {
	doc := structure(v)
	if _, ok := doc.(map[string]any); !ok {
		return
	}
	choice := anyAt(doc, "choices.0", "generations.0.0", "generations.0")
	if choice == nil {
		choice = doc
	}
	info := anyAt(choice, "generation_info", "response_metadata", "message.kwargs.response_metadata")
	meta := anyAt(choice, "message.kwargs.response_metadata", "data.response_metadata", "response_metadata")
	if c.ResponseID == "" {
		id, ok := at(doc, "id").(string)
		if !ok { // LangChain's is within.
			id = text(at(meta, "id"))
		}
		c.ResponseID = id
	}
	if c.Tokens == nil {
		c.setIDs(&c.Tokens, "response token ids", anyAt(choice, "token_ids", "response_token_ids", "generation_info.token_ids"))
	}
	if c.Prompt == nil {
		ids := anyAt(doc, "prompt_token_ids", "choices.0.prompt_token_ids", "llm_output.prompt_token_ids")
		c.setIDs(&c.Prompt, "prompt token ids", ids)
	}
	if c.LogProbs == nil {
		found := at(choice, "logprobs")
		for _, holder := range []any{info, meta} {
			if found == nil {
				found = at(holder, "logprobs")
			}
		}
		if found == nil {
			found = anyAt(doc, "output.0.content.0.logprobs")
			if list, ok := found.([]any); ok && len(list) == 0 {
				found = nil // The Responses API leaves the list empty if none were asked for.
			}
		}
		c.setLogProbs(found)
	}
	if len(c.Output) == 0 {
		c.Output = messagesOf(anyAt(doc, "choices.0", "generations.0.0", "output"), "assistant")
	}
	if c.Finish == "" {
		c.Finish = text(anyAt(choice, "finish_reason", "generation_info.finish_reason", "stop_reason"))
	}
	if c.Model == "" {
		c.Model = text(at(doc, "model"))
	}
	if c.InputTokens == nil {
		c.InputTokens = counted(anyAt(doc, "usage.prompt_tokens", "usage.input_tokens"))
	}
	if c.OutputTokens == nil {
		c.OutputTokens = counted(anyAt(doc, "usage.completion_tokens", "usage.output_tokens"))
	}
}

func counted(v any) *int64 {
	if n, ok := count(v); ok {
		return &n
	}
	return nil
}

func (c *Call) setIDs(to *[]int64, what string, v any) {
	ids, fault := tokenIDs(v)
	if fault != "" {
		c.Faults = append(c.Faults, what+": "+fault)
	}
	if len(ids) > 0 {
		*to = ids
	}
}

func (c *Call) setLogProbs(v any) {
	probs, fault := logProbs(v)
	if fault != "" {
		c.Faults = append(c.Faults, "log-probabilities: "+fault)
	}
	if len(probs) > 0 {
		c.LogProbs = probs
	}
}

// judge drops log-probabilities that cannot be those of the response's tokens,
// and says what is missing.
func (c *Call) judge() {
	if len(c.Tokens) > 0 && len(c.LogProbs) > 0 && len(c.Tokens) != len(c.LogProbs) {
		c.Faults = append(c.Faults, fmt.Sprintf("%d log-probabilities for %d response tokens", len(c.LogProbs), len(c.Tokens)))
		c.LogProbs = nil
	}
	for _, m := range []struct {
		missing bool
		what    string
	}{
		{len(c.Input) == 0, "input messages"},
		{len(c.Output) == 0, "output messages"},
		{len(c.Prompt) == 0, "prompt token ids"},
		{len(c.Tokens) == 0, "response token ids"},
		{len(c.LogProbs) == 0, "log-probabilities"},
	} {
		if m.missing {
			c.Missing = append(c.Missing, m.what)
		}
	}
}
