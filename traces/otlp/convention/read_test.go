package convention_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// reading is what is read from a span, as JSON without what is missing.
func reading(t *testing.T, s otlp.Span, logs ...otlp.Log) string {
	t.Helper()
	r := convention.NewReader(convention.All()).Read(s, logs)
	if r.Call != nil {
		r.Call.Missing = nil
	}
	out := []any{r.Kind.String(), r.Name}
	for _, part := range []any{r.Call, r.Tool, r.Decision, r.Rewards, r.Failure} {
		body, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		if string(body) != "null" {
			out = append(out, json.RawMessage(body))
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestLibrariesAreReadByTheirAttributes has spans as libraries write them that
// are not among the exports, and forms that the exports do not have.
func TestLibrariesAreReadByTheirAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		attributes otlp.Attributes
		want       string
	}{
		{
			"GenAI with structured messages",
			otlp.Attributes{
				"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.provider.name": "azure.ai.inference",
				"gen_ai.system_instructions": []any{map[string]any{"type": "text", "content": "be brief"}},
				"gen_ai.input.messages":      []any{map[string]any{"role": "user", "parts": []any{map[string]any{"type": "text", "content": "hi"}}}},
				"gen_ai.output.messages": []any{map[string]any{"role": "assistant", "finish_reason": "tool_call", "parts": []any{
					map[string]any{"type": "reasoning", "content": "hm"},
					map[string]any{"type": "tool_call", "id": "c1", "name": "add", "arguments": map[string]any{"b": int64(2), "a": int64(1)}},
				}}},
				"gen_ai.usage.input_tokens": int64(3), "gen_ai.usage.output_tokens": int64(4),
			},
			`["model call","m",{"model":"m","provider":"azure.ai.inference","input":[{"role":"system","text":"be brief"},{"role":"user","text":"hi"}],"output":[{"role":"assistant","reasoning":"hm","tool_calls":[{"id":"c1","name":"add","arguments":"{\"a\":1,\"b\":2}"}]}],"finish_reason":"tool_call","input_tokens":3,"output_tokens":4}]`,
		},
		{
			"an operation that no convention knows, of a model",
			otlp.Attributes{"gen_ai.operation.name": "responses", "gen_ai.request.model": "m", "gen_ai.usage.output_tokens": int64(4)},
			`["model call","m",{"model":"m","output_tokens":4}]`,
		},
		{
			"embeddings are no model call",
			otlp.Attributes{"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": int64(4)},
			`["step","span"]`,
		},
		{
			"an agent that names its model",
			otlp.Attributes{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": int64(4)},
			`["agent","a"]`,
		},
		{
			"Vercel's call",
			otlp.Attributes{
				"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt", "ai.model.provider": "openai.chat", "ai.response.finishReason": "tool-calls",
				"ai.prompt.messages":    `[{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"tool","content":[{"type":"tool-result","toolCallId":"c0","toolName":"add","result":{"sum":3}}]}]`,
				"ai.response.text":      "ok",
				"ai.response.toolCalls": `[{"toolCallType":"function","toolCallId":"c1","toolName":"add","args":"{\"a\":1}"}]`,
				"ai.usage.promptTokens": int64(5), "ai.usage.completionTokens": int64(6), "ai.response.id": "r",
			},
			`["model call","gpt",{"model":"gpt","provider":"openai.chat","response_id":"r","input":[{"role":"user","text":"hi"},{"role":"tool","tool_results":[{"id":"c0","text":"{\"sum\":3}"}]}],"output":[{"role":"assistant","text":"ok","tool_calls":[{"id":"c1","name":"add","arguments":"{\"a\":1}"}]}],"finish_reason":"tool-calls","input_tokens":5,"output_tokens":6}]`,
		},
		{
			"Vercel's run",
			otlp.Attributes{"ai.operationId": "ai.generateText", "ai.model.id": "gpt", "ai.usage.promptTokens": int64(5), "ai.telemetry.functionId": "f"},
			`["agent","f"]`,
		},
		{
			"Vercel's tool",
			otlp.Attributes{"ai.operationId": "ai.toolCall", "ai.toolCall.name": "add", "ai.toolCall.id": "c", "ai.toolCall.args": `{"a":1}`, "ai.toolCall.result": `"3"`},
			`["tool call","add",{"name":"add","id":"c","arguments":"{\"a\":1}","result":"3"}]`,
		},
		{
			"LangSmith's call",
			otlp.Attributes{
				"langsmith.span.kind": "llm", "gen_ai.system": "openai", "langsmith.metadata.ls_model_name": "gpt",
				"gen_ai.prompt":     `{"messages":[[{"lc":1,"type":"constructor","id":["langchain","schema","messages","HumanMessage"],"kwargs":{"content":"hi","type":"human"}}]]}`,
				"gen_ai.completion": `{"generations":[[{"text":"ho","generation_info":{"finish_reason":"stop","logprobs":{"content":[{"token":"ho","logprob":-0.5}]}},"message":{"kwargs":{"content":"ho","type":"ai"}}}]]}`,
			},
			`["model call","gpt",{"model":"gpt","provider":"openai","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"finish_reason":"stop","log_probs":[-0.5]}]`,
		},
		{
			"OpenInference with parts, of the Responses API",
			otlp.Attributes{
				"openinference.span.kind": "LLM", "llm.model_name": "gpt",
				"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.contents.0.message_content.type": "text", "llm.input_messages.0.message.contents.0.message_content.text": "hi",
				"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "ho",
				"output.value": `{"id":"resp","model":"gpt","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ho","logprobs":[{"token":"ho","logprob":-1}]}]}],"usage":{"input_tokens":1,"output_tokens":1}}`,
			},
			`["model call","gpt",{"model":"gpt","response_id":"resp","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"input_tokens":1,"output_tokens":1,"log_probs":[-1]}]`,
		},
		{
			"a model call of OpenLLMetry before 2025",
			otlp.Attributes{
				"llm.request.type": "chat", "gen_ai.system": "Anthropic", "gen_ai.request.model": "claude", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": `[{"type":"text","text":"hi"}]`,
				"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "ho", "gen_ai.completion.0.finish_reason": "end_turn", "gen_ai.usage.prompt_tokens": int64(1),
			},
			`["model call","claude",{"model":"claude","provider":"Anthropic","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"finish_reason":"end_turn","input_tokens":1}]`,
		},
		{
			"Pydantic AI's events in an attribute",
			otlp.Attributes{
				"gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
				"events": `[{"event.name":"gen_ai.user.message","role":"user","content":"hi"},{"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"ho"}}]`,
			},
			`["model call","m",{"model":"m","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}]}]`,
		},
		{
			"Pydantic AI's tool",
			otlp.Attributes{"gen_ai.tool.name": "add", "gen_ai.tool.call.id": "c", "tool_arguments": `{"a":1}`, "tool_response": "3"},
			`["tool call","add",{"name":"add","id":"c","arguments":"{\"a\":1}","result":"3"}]`,
		},
		{
			"MLflow's call",
			otlp.Attributes{
				"mlflow.spanType": `"CHAT_MODEL"`, "mlflow.spanInputs": `{"model":"gpt","messages":[{"role":"user","content":"hi"}]}`,
				"mlflow.spanOutputs": `{"id":"r","model":"gpt","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"ho"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
			},
			`["model call","gpt",{"model":"gpt","response_id":"r","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"finish_reason":"stop","input_tokens":1,"output_tokens":2}]`,
		},
		{
			"Langfuse's call",
			otlp.Attributes{
				"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt", "langfuse.observation.usage_details": `{"input":1,"output":2}`,
				"langfuse.observation.input": `[{"role":"user","content":"hi"}]`, "langfuse.observation.output": `{"role":"assistant","content":"ho"}`,
			},
			`["model call","gpt",{"model":"gpt","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"input_tokens":1,"output_tokens":2}]`,
		},
		{
			"Cohort's decision",
			otlp.Attributes{
				"cohort.decision.name": "route", "cohort.decision.chosen": int64(1), "cohort.decision.log_prob": -0.7, "cohort.decision.features": []any{0.0, 1.0}, "cohort.decision.width": int64(1),
				"cohort.policy": "abc", "cohort.reward": 0.5,
			},
			`["decision","route",{"name":"route","chosen":1,"log_prob":-0.7,"policy":"abc","features":[0,1],"width":1},[{"value":0.5}]]`,
		},
		{
			"token ids and log-probabilities that are no use",
			otlp.Attributes{
				"gen_ai.operation.name": "chat", "prompt_token_ids": `[1,2,-3]`, "response_token_ids": []any{int64(1), int64(2)}, "logprobs.content": `[{"logprob":-1}]`,
			},
			`["model call","span",{"response_token_ids":[1,2],"faults":["prompt token ids: number 2 of 3 is no token id","1 log-probabilities for 2 response tokens"]}]`,
		},
		{
			"a log-probability above 0",
			otlp.Attributes{"gen_ai.operation.name": "chat", "cohort.log_probs": []any{-0.5, 0.1}},
			`["model call","span",{"faults":["log-probabilities: number 1 of 2 is no log-probability: 0.1"]}]`,
		},
		{"a class of error without a status", otlp.Attributes{"error.type": "timeout"}, `["step","span",{"class":"timeout"}]`},
		{"a web server's span", otlp.Attributes{"http.request.method": "GET", "thread.id": int64(7)}, `["step","span"]`},
	} {
		if got := reading(t, otlp.Span{Name: "span", Attributes: c.attributes}); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestEventsAndLogRecordsCarryMessagesAndRewards has each place where an event
// can lie, and each where it keeps what it says.
func TestEventsAndLogRecordsCarryMessagesAndRewards(t *testing.T) {
	t.Parallel()
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	call := otlp.Attributes{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
	want := `["model call","m",{"model":"m","input":[{"role":"user","text":"hi"}],"output":[{"role":"assistant","text":"ho"}],"finish_reason":"stop"}]`
	for name, s := range map[string]otlp.Span{
		"content as JSON": {Attributes: call, Events: []otlp.Event{
			{Name: "gen_ai.user.message", Attributes: otlp.Attributes{"gen_ai.event.content": `{"content":"hi"}`}},
			{Name: "gen_ai.choice", Attributes: otlp.Attributes{"gen_ai.event.content": `{"finish_reason":"stop","message":{"content":"ho"}}`}},
		}},
		"attributes": {Attributes: call, Events: []otlp.Event{
			{Name: "gen_ai.user.message", Attributes: otlp.Attributes{"content": "hi", "role": "user"}},
			{Name: "gen_ai.choice", Attributes: otlp.Attributes{"message": `{"content":"ho"}`, "finish_reason": "stop"}},
		}},
		"prompt and completion": {Attributes: call, Events: []otlp.Event{
			{Name: "gen_ai.content.prompt", Attributes: otlp.Attributes{"gen_ai.prompt": `[{"role":"user","content":"hi"}]`}},
			{Name: "gen_ai.content.completion", Attributes: otlp.Attributes{"gen_ai.completion": `[{"role":"assistant","content":"ho","finish_reason":"stop"}]`}},
		}},
		"details": {Attributes: otlp.Attributes{"gen_ai.operation.name": "chat"}, Events: []otlp.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: otlp.Attributes{
			"gen_ai.request.model": "m", "gen_ai.input.messages": `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`,
			"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"ho"}],"finish_reason":"stop"}]`,
		}}}},
	} {
		if got := reading(t, s); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
	logs := []otlp.Log{
		{Name: "gen_ai.choice", Time: at(3), Body: map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": "ho"}}},
		{Name: "gen_ai.user.message", Time: at(2), Body: map[string]any{"content": "hi"}},
		{Name: "unrelated", Body: "x"},
	}
	if got := reading(t, otlp.Span{Attributes: call}, logs...); got != want {
		t.Errorf("log records\n got %s\nwant %s", got, want)
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{0.5, `{"name":"r","value":0.5}`},
		{int64(2), `{"name":"r","value":2}`},
		{"0.25", `{"name":"r","value":0.25}`},
		{true, `{"name":"r","value":1}`},
		{math.NaN(), `{"name":"r","value":0,"fault":"it is NaN, which is no finite number"}`},
		{"Infinity", `{"name":"r","value":0,"fault":"it is Infinity, which is no finite number"}`},
		{"good", `{"name":"r","value":0,"fault":"it is good, which is no finite number"}`},
	} {
		attributes := otlp.Attributes{"gen_ai.evaluation.name": "r", "gen_ai.evaluation.score.value": c.value}
		want := `["step","",[` + c.want + `]]`
		if got := reading(t, otlp.Span{Events: []otlp.Event{{Name: "gen_ai.evaluation.result", Attributes: attributes}}}); got != want {
			t.Errorf("event: %s, want %s", got, want)
		}
		if got := reading(t, otlp.Span{}, otlp.Log{Name: "gen_ai.evaluation.result", Attributes: attributes}); got != want {
			t.Errorf("log record: %s, want %s", got, want)
		}
	}
	// An evaluation without a score, a label alone say, is no reward.
	if got := reading(t, otlp.Span{Events: []otlp.Event{{Name: "gen_ai.evaluation.result", Attributes: otlp.Attributes{"gen_ai.evaluation.score.label": "pass"}}}}); got != `["step",""]` {
		t.Errorf("label alone: %s", got)
	}
}

// TestConventionsContradictNobody holds that a field and an attribute belong to
// one row, and that marks which take any value come last for their attribute.
func TestConventionsContradictNobody(t *testing.T) {
	t.Parallel()
	open := map[string]bool{}
	for _, c := range convention.All() {
		for _, m := range c.Marks {
			if open[m.Attribute] {
				t.Errorf("%s: the mark %s comes after one that takes any value", c.Name, m.Attribute)
			}
			open[m.Attribute] = open[m.Attribute] || len(m.Values) == 0
			for _, v := range m.Values {
				if v != strings.ToLower(v) {
					t.Errorf("%s: the value %s of %s is not in small letters", c.Name, v, m.Attribute)
				}
			}
		}
	}
}
