package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/interop/python"
)

// traced is a cohort up that takes what OpenTelemetry exporters send.
type traced struct {
	system
	otlp, topic, kafka string
}

// tracedSystem runs one.
func tracedSystem(t *testing.T) traced {
	t.Helper()
	p := launch(t, "cohort", nil, "up", "--dir", t.TempDir(), "--workers", "1", "--listen", "127.0.0.1:0", "--otlp-listen", "127.0.0.1:0")
	s := traced{system: systemOf(t, p)}
	for what, to := range map[string]*string{"Kafka:": &s.kafka, "OTLP:": &s.otlp} {
		line, err := p.out.await(trained.Within(t, time.Minute), what)
		if err != nil {
			t.Fatal(err)
		}
		*to = strings.TrimSpace(strings.TrimPrefix(line, what))
	}
	s.otlp, s.topic, _ = strings.Cut(s.otlp, ", to the topic ")
	return s
}

// calculatorModel is an endpoint that speaks as OpenAI's does: it asks for the
// calculator, and then says what that said.
func calculatorModel(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Messages []struct{ Role, Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) == 0 {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		last := asked.Messages[len(asked.Messages)-1]
		var a, b int
		message, finish := `{"role":"assistant","content":"It is `+last.Content+`."}`, "stop"
		if n, _ := fmt.Sscanf(last.Content, "What is %d times %d?", &a, &b); last.Role == "user" && n == 2 {
			message = fmt.Sprintf(`{"role":"assistant","content":null,"tool_calls":[{"id":"call_%d","type":"function","function":{"name":"calculator","arguments":"{\"expression\":\"%d*%d\"}"}}]}`, a, a, b)
			finish = "tool_calls"
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1,"model":"small","prompt_token_ids":[1,2,3],"choices":[{"index":0,"finish_reason":%q,"message":%s,"token_ids":[7,8],`+
			`"logprobs":{"content":[{"token":"a","logprob":-0.25,"top_logprobs":[]},{"token":"b","logprob":-0.5,"top_logprobs":[]}]}}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`, finish, message)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// An agent in Python that OpenTelemetry's SDK and a stock instrumentation of
// OpenAI's client trace needs one environment variable, and all that it did is
// there to be trained from.
func TestAgentTracedByOpenTelemetryAloneIsReadFromTheReceiver(t *testing.T) {
	t.Parallel()
	interpreter := python.Instrumented(t)
	to, model := tracedSystem(t), calculatorModel(t)
	const threads = 6
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	agent := exec.CommandContext(ctx, interpreter, "-I", "-c", python.OTLPAgent(), model, fmt.Sprint(threads))
	agent.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+to.otlp, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "NO_PROXY=127.0.0.1")
	agent.Stderr = os.Stderr
	said, err := agent.Output()
	if err != nil || !strings.Contains(string(said), `"flushed": true`) {
		t.Fatalf("the agent said %q: %v", said, err)
	}
	var stats struct {
		Traces, Spans, Threads, Errors, Rewards int
		ModelCalls                              int `json:"model_calls"`
		ToolCalls                               int `json:"tool_calls"`
		WithTokenIDs                            int `json:"model_calls_with_token_ids"`
		WithLogProbs                            int `json:"model_calls_with_logprobs"`
		States                                  []struct {
			State   string
			Threads int
		}
	}
	out, err := exec.CommandContext(ctx, program(t), "traces", "stats", "--from", "kafka:"+to.topic, "--kafka", to.kafka, "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Threads != threads || stats.Traces != threads || stats.Spans != 4*threads || stats.ModelCalls != 2*threads ||
		stats.ToolCalls != threads || stats.Rewards != threads || stats.Errors != 0 || len(stats.States) != 1 || stats.States[0].State != "complete" {
		t.Errorf("of %d threads there are %+v\n%s", threads, stats, out)
	}
	t.Logf("%s", out)
}
