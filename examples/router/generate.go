package router

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/numerics"
)

// Config says what to generate. The spans are a function of it.
type Config struct {
	Seed uint64
	// Tasks is how many tickets there are, Conversations how many customers ask
	// each of them.
	Tasks, Conversations int
	// Start is when the first customer asks.
	Start time.Time
}

// batch is how many conversations go into one request.
const batch = 100

// Generate plays the agent and exports its spans with OpenTelemetry's SDK over
// OTLP/HTTP to a receiver, such as http://127.0.0.1:4318/v1/traces. Of each
// hundred conversations about four lack the customer's verdict, three lack their
// root, which was cut off, and two do not say how likely the choice was.
func Generate(ctx context.Context, c Config, endpoint string) (err error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return fmt.Errorf("export to %s: %w", endpoint, err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(1<<16), sdktrace.WithMaxExportBatchSize(1<<16), sdktrace.WithBatchTimeout(time.Hour)),
		sdktrace.WithIDGenerator(&numbered{seed: c.Seed}),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "support-agent"))),
	)
	defer func() {
		if ended := provider.Shutdown(context.WithoutCancel(ctx)); err == nil {
			err = ended
		}
	}()
	tracer := provider.Tracer("example.org/support-agent")
	at := c.Start
	for n := range c.Tasks * c.Conversations {
		t := ticket(c.Seed, n%c.Tasks, fmt.Sprintf("ticket-%03d", n%c.Tasks))
		converse(ctx, tracer, t, numerics.NewStream(c.Seed, 2, uint64(n)), n, at)
		at = at.Add(time.Minute)
		if n%batch == batch-1 {
			if err := provider.ForceFlush(ctx); err != nil {
				return fmt.Errorf("export to %s: %w", endpoint, err)
			}
		}
	}
	return provider.ForceFlush(ctx)
}

// converse is one conversation: the route, the call, and the customer's verdict.
func converse(ctx context.Context, tracer trace.Tracer, t Ticket, dice *numerics.Stream, n int, at time.Time) {
	ctx, root := tracer.Start(ctx, "invoke_agent support", trace.WithTimestamp(at), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"),
		attribute.String("gen_ai.conversation.id", fmt.Sprintf("conversation-%05d", n)),
		attribute.String("cohort.task", t.Task),
	))
	route := pick(dice)
	solved := dice.Float64() < t.Solved(route)
	flaw := dice.IntN(100)
	_, decision := tracer.Start(ctx, "route", trace.WithTimestamp(at.Add(time.Millisecond)), trace.WithAttributes(
		attribute.Int("cohort.decision.chosen", route),
		attribute.Float64Slice("cohort.decision.features", t.Rows()),
		attribute.Int("cohort.decision.width", Features),
	))
	if flaw >= 2 {
		decision.SetAttributes(attribute.Float64("cohort.decision.log_prob", numerics.Log(Routes()[route].Chance)))
	}
	decision.End(trace.WithTimestamp(at.Add(2 * time.Millisecond)))
	answer(ctx, tracer, t, route, solved, at)
	if flaw < 6 && flaw >= 2 {
		root.SetStatus(codes.Unset, "")
	} else {
		reward := -Routes()[route].Cost
		if solved {
			reward++
		}
		root.SetAttributes(attribute.Float64("cohort.reward", reward))
	}
	if flaw < 6 || flaw >= 9 { // else the process was killed before the span ended
		root.End(trace.WithTimestamp(at.Add(3 * time.Second)))
	}
}

// answer calls what the route asks for.
func answer(ctx context.Context, tracer trace.Tracer, t Ticket, route int, solved bool, at time.Time) {
	model := Routes()[route].Name
	if model == "search" {
		_, tool := tracer.Start(ctx, "execute_tool search", trace.WithTimestamp(at.Add(3*time.Millisecond)), trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", "search"),
			attribute.String("gen_ai.tool.call.arguments", `{"query":"`+t.Task+`"}`),
		))
		tool.End(trace.WithTimestamp(at.Add(500 * time.Millisecond)))
		model = "small-model"
	}
	said := "I am not sure."
	if solved {
		said = "This is how it works."
	}
	_, call := tracer.Start(ctx, "chat "+model, trace.WithTimestamp(at.Add(time.Second)), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", model),
		attribute.String("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"Help me with `+t.Task+`"}]}]`),
		attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"`+said+`"}],"finish_reason":"stop"}]`),
	))
	call.End(trace.WithTimestamp(at.Add(2 * time.Second)))
}

// numbered makes ids from the seed, so that the same spans have the same ids.
type numbered struct{ seed, n uint64 }

func (g *numbered) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	sum := g.next()
	copy(id[:], sum[:])
	return id, g.NewSpanID(ctx, id)
}

func (g *numbered) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	sum := g.next()
	copy(id[:], sum[:])
	return id
}

func (g *numbered) next() [32]byte {
	g.n++
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], g.seed)
	binary.LittleEndian.PutUint64(b[8:], g.n)
	return sha256.Sum256(b[:])
}
