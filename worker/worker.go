// Package worker does shards: it asks agents to attempt tasks, collects and
// scores what they left in the log, and computes parts of gradients. Whatever a worker does counts only once its
// settled record is in the store; whoever loses the race for that record stops,
// and nothing it produced is ever read.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// Agent attempts rollouts.
type Agent interface {
	Attempt(ctx context.Context, r agent.Request) (agent.Answer, error)
	Healthy(ctx context.Context) bool
}

// Policies serves policies to agents.
type Policies interface {
	// Put makes a policy available under the digest of its weights.
	Put(p policy.Policy) blob.Digest
	// Get returns a policy that is available, and keeps it so for longer.
	Get(weights blob.Digest) (policy.Policy, bool)
	// URL is where agents reach the policy with these weights.
	URL(weights blob.Digest) string
}

// Reports takes the news that a shard is settled, which is only a hint.
type Reports interface {
	Settled(ctx context.Context, task queue.Task, expected int, digest blob.Digest) error
}

// Config is what a worker needs. All fields but PolicyToken, Rewards and Spans are required.
type Config struct {
	Store    blob.Bucket
	Log      traces.Log
	Codec    *telemetry.Codec
	Reports  Reports
	Policies Policies
	// PolicyToken is what agents present to Policies; empty if they need not.
	PolicyToken secret.Text
	// Agents returns the agent of a job.
	Agents func(def *job.Definition) (Agent, error)
	// Brokers are the addresses of Kafka that agents are told.
	Brokers []string
	Clock   clock.Clock
	// Nonce returns a fresh random id of at least 128 bits.
	Nonce  func() string
	Logger *slog.Logger
	// Name names this worker in records.
	Name string
	// Rewards says which servers may be asked for rewards, and how; the worker
	// fills in the rest. The zero value asks none.
	Rewards reward.Services
	// Spans makes OpenTelemetry spans of shards and rollouts; it may be nil.
	Spans *spans.Tracer
}

// Worker does shards. It is safe for concurrent use.
type Worker struct {
	Config
	store *patient.Bucket
	pulse *pulse

	mu   sync.Mutex // guards jobs
	jobs map[job.ID]*known

	samples  *shelf[[]batch.Sample]
	policies *shelf[learner.Policies]
	hosting  *errands[blob.Digest]
}

// New returns a worker. Run its Pulse while it handles tasks.
func New(c Config) *Worker {
	return &Worker{
		Config: c,
		store:  patient.New(c.Store, c.Clock, patient.NewVoice(c.Clock, c.Logger)),
		pulse:  &pulse{clock: c.Clock},
		jobs:   map[job.ID]*known{},

		samples:  newShelf[[]batch.Sample](shelfBytes),
		policies: newShelf[learner.Policies](shelfBytes),
		hosting:  newErrands[blob.Digest](),
	}
}

// Pulse watches for gaps in this process's own time until ctx ends: an agent
// cannot be blamed for an answer that came while the worker stood still.
func (w *Worker) Pulse(ctx context.Context) { w.pulse.run(ctx) }

// ErrOtherVersion says that a task asks for work that this build does not know.
// The queue keeps it for another worker.
var ErrOtherVersion = fmt.Errorf("task of another version: %w", queue.ErrLeftAlone)

// Handle does one drive of a shard. It is safe to repeat and to run twice at
// once: a shard that is settled is left alone.
func (w *Worker) Handle(ctx context.Context, task queue.Task) (err error) {
	s := task.Shard
	if task.Version < 1 || task.Version > queue.TaskVersion {
		return fmt.Errorf("%w: %d, this worker does up to version %d", ErrOtherVersion, task.Version, queue.TaskVersion)
	}
	logger := w.Logger.With("job", string(s.Unit.Job), "step", s.Unit.Step, "shard", s.String(), "drive", task.Drive)
	if settled, err := w.settled(ctx, s); err != nil || settled {
		logger.Debug("The shard is settled already.", "error", err)
		return err
	}
	k, err := w.job(ctx, s.Unit.Job)
	if err != nil {
		return err
	}
	h := &hand{Worker: w, task: task, job: k, log: logger, nonce: w.Nonce()}
	held, span := w.Spans.Shard(ctx, s, task.Drive, h.nonce)
	defer func() { span.End(held, err) }()
	shards, err := h.look(held)
	if err != nil {
		return err
	}
	h.done = job.Settlement{Shard: s.String(), Worker: w.Name, Drive: task.Drive}
	ctx, leave := w.heed(held, k)
	defer leave()
	digest, err := h.do(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errEnded) || errors.Is(cause, errPaused) {
		span.PutDown()
		return w.putDown(held, k, cause, logger)
	}
	if err != nil {
		return err
	}
	if err := w.Reports.Settled(ctx, task, shards, digest); err != nil {
		logger.Debug("The settled shard could not be reported; the coordinator will find it.", "error", err)
	}
	return nil
}

// settled says whether the shard has a settled record. A corrupt one of a shard
// whose work can be done again counts for nothing.
func (w *Worker) settled(ctx context.Context, s job.Shard) (settled bool, err error) {
	switch {
	case !s.Phase.Repeatable():
		_, err = w.store.Head(ctx, s.SettledKey())
	case s.Phase.Kind() == job.Updating:
		_, _, err = records.Read[job.GradientRecord](ctx, w.store, s.SettledKey(), job.GradientFormat)
	default:
		_, _, err = records.Read[job.CollectRecord](ctx, w.store, s.SettledKey(), job.CollectFormat)
	}
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
		return false, nil
	}
	return err == nil, err
}

// hand is one shard in a worker's hands.
type hand struct {
	*Worker
	task queue.Task
	job  *known
	log  *slog.Logger
	done job.Settlement

	nonce string    // of this drive
	plan  *job.Plan // nil for a gradient shard
	terms *terms    // of a gradient shard
}

// look reads what the shard is, and returns how many its phase has.
func (h *hand) look(ctx context.Context) (shards int, err error) {
	s := h.task.Shard
	if s.Phase.Kind() == job.Updating {
		h.terms, err = h.readTerms(ctx)
		if err != nil {
			return 0, err
		}
		return h.terms.Shards, nil
	}
	if h.plan, err = h.Worker.plan(ctx, h.job, s.Unit); err != nil {
		return 0, err
	}
	if shards = h.plan.Shards(s.Phase); s.Index < 0 || s.Index >= shards {
		return 0, fmt.Errorf("shard %s: its phase has %d shards", s, shards)
	}
	return shards, nil
}

// do does the shard and returns the digest of its settled record.
func (h *hand) do(ctx context.Context) (blob.Digest, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	defer h.noteEffect("")()
	switch h.task.Shard.Phase.Kind() {
	case job.Rollout:
		return h.rollout(ctx)
	case job.Collect:
		return h.collect(ctx)
	case job.Extract:
		return h.extract(ctx)
	case job.Assemble:
		return h.assemble(ctx)
	case job.Updating:
		return h.gradient(ctx)
	}
	return "", fmt.Errorf("%w: phase %q", ErrOtherVersion, h.task.Shard.Phase)
}

// noteEffect says in the log that the shard begins, or with part a part of it,
// and with over that it has ended, however. So it can be seen what a process that
// was killed was at.
func (h *hand) noteEffect(part string) (over func()) {
	s := h.task.Shard
	name := part + string(s.Phase.Kind())
	if s.Unit.Eval != "" {
		name = "eval." + name
	}
	h.log.Debug("An effect begins.", "effect", name)
	return func() { h.log.Debug("An effect is over.", "effect", name) }
}

// deadline is the time that one attempt has.
func (h *hand) deadline() time.Duration {
	s := h.job.def.Spec
	if h.plan.Unit.Eval != "" && s.Eval.Timeout > 0 {
		return s.Eval.Timeout.Std()
	}
	return s.Agent.Timeout.Std()
}
