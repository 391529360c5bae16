package spans

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/job"
)

// TraceID is the id of a job's trace: the first 16 bytes of the SHA-256 of
// cohort.trace, the deployment's id and the job's, each ended by a zero byte.
func TraceID(deployment string, id job.ID) trace.TraceID {
	sum := sumOf("cohort.trace", deployment, string(id))
	return trace.TraceID(sum[:16])
}

// spanID is the first 8 bytes of the SHA-256 of a kind and names.
func spanID(kind string, names ...string) trace.SpanID {
	sum := sumOf("cohort."+kind, names...)
	return trace.SpanID(sum[:8])
}

func sumOf(kind string, names ...string) []byte {
	h := sha256.New()
	_, _ = io.WriteString(h, kind+"\x00") // a hash takes everything
	for _, name := range names {
		_, _ = io.WriteString(h, name+"\x00")
	}
	return h.Sum(nil)
}

// JobSpan is the id of a job's own span, the root of its trace.
func JobSpan(id job.ID) trace.SpanID { return spanID("job", string(id)) }

// UnitSpan is the id of the span of a unit's step, which all its rounds share,
// or of the evaluation.
func UnitSpan(u job.Unit) trace.SpanID {
	if u.Eval != "" {
		return spanID("evaluation", string(u.Job), string(u.Eval))
	}
	return spanID("step", string(u.Job), fmt.Sprint(u.Generation), fmt.Sprint(u.Step))
}

// ShardSpan is the id of the span of one drive of a shard. The nonce is of this
// time in a worker's hands: a shard that was handed back is in other hands under
// the same drive.
func ShardSpan(s job.Shard, drive int, nonce string) trace.SpanID {
	return spanID("shard", s.TaskID(drive), nonce)
}

// RolloutSpan is the id of the span of an execution of a rollout, which is named
// by its thread.
func RolloutSpan(thread string) trace.SpanID { return spanID("rollout", thread) }

// IDs gives each span of this package the id that was chosen for it. It is an
// IDGenerator of the OpenTelemetry SDK.
type IDs struct{}

// chosen are the ids of the span that is begun next.
type chosen struct {
	trace trace.TraceID
	span  trace.SpanID
}

type chosenKey struct{}

// NewIDs returns the ids of a root.
func (IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	c, _ := ctx.Value(chosenKey{}).(chosen)
	return c.trace, c.span
}

// NewSpanID returns the id of a span that has a parent.
func (IDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	c, _ := ctx.Value(chosenKey{}).(chosen)
	return c.span
}
