package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
)

// known is what a worker keeps of a job: what never changes.
type known struct {
	def   *job.Definition
	begin *job.Begin
	agent Agent

	data  *shelf[[]json.RawMessage] // by digest
	plans *shelf[*job.Plan]         // by unit; never changed once read

	hands hands
}

const (
	// maxJobs bounds how many jobs a worker remembers.
	maxJobs = 64
	// maxPlans bounds how many plans of a job: the step's, an evaluation's, and
	// those that late shards ask for.
	maxPlans = 8
)

// job returns what is known of a job, reading it the first time.
func (w *Worker) job(ctx context.Context, id job.ID) (*known, error) {
	w.mu.Lock()
	k, ok := w.jobs[id]
	w.mu.Unlock()
	if ok {
		return k, nil
	}
	def, _, err := records.Read[job.Definition](ctx, w.store, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		return nil, err
	}
	entry, err := checkpoint.ReadEntry(ctx, w.store, id, 0)
	if err != nil {
		return nil, err
	}
	if entry.Begin == nil {
		return nil, fmt.Errorf("job %s ended before it began", id)
	}
	if entry.Begin.Numerics != numerics.Version {
		return nil, fmt.Errorf("%w: job %s computes with numerics %q, this worker with %q: run a worker of the version that began the job",
			queue.ErrLeftAlone, id, entry.Begin.Numerics, numerics.Version)
	}
	var a Agent // of an offline job there is none
	if !def.Offline() {
		if a, err = w.Agents(def); err != nil {
			return nil, err
		}
	}
	k = &known{
		def: def, begin: entry.Begin, agent: a,
		data: newShelf[[]json.RawMessage](shelfBytes), plans: newShelf[*job.Plan](maxPlans),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if first, ok := w.jobs[id]; ok {
		return first, nil // another hand has read it meanwhile
	}
	if len(w.jobs) >= maxJobs {
		w.jobs = map[job.ID]*known{}
	}
	w.jobs[id] = k
	return k, nil
}

// plan returns a unit's plan, read once for all shards in hand.
func (w *Worker) plan(ctx context.Context, k *known, u job.Unit) (*job.Plan, error) {
	return k.plans.get(ctx, u.PlanKey(), func(ctx context.Context) (*job.Plan, int64, error) {
		p, _, err := records.Read[job.Plan](ctx, w.store, u.PlanKey(), job.PlanFormat)
		if err != nil {
			return nil, 0, err
		}
		if p.Unit != u {
			return nil, 0, fmt.Errorf("read %s: it is the plan of another unit", u.PlanKey())
		}
		return p, 1, nil
	})
}

// tasks returns the lines of the plan's data set, which hold every line that
// the plan names.
func (h *hand) tasks(ctx context.Context) ([]json.RawMessage, error) {
	lines, err := h.lines(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range h.plan.Tasks {
		if t < 0 || t >= len(lines) {
			return nil, fmt.Errorf("the plan names line %d of a data set of %d lines", t, len(lines))
		}
	}
	return lines, nil
}

// lines reads the plan's data set, once for all shards of the job.
func (h *hand) lines(ctx context.Context) ([]json.RawMessage, error) {
	return h.job.data.get(ctx, string(h.plan.Data), func(ctx context.Context) ([]json.RawMessage, int64, error) {
		body, err := blob.GetContent(ctx, h.store, h.job.def.ID.DataKey(h.plan.Data), h.plan.Data)
		if err != nil {
			return nil, 0, fmt.Errorf("read the data set: %w", err)
		}
		var lines []json.RawMessage
		for line := range bytes.Lines(body) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				lines = append(lines, line)
			}
		}
		return lines, int64(len(body)), nil
	})
}

// host makes the plan's policy available to agents, read once for all shards
// that need it at once.
func (h *hand) host(ctx context.Context) error {
	weights := h.plan.Policy.Weights
	if _, ok := h.Policies.Get(weights); ok {
		return nil
	}
	got, err := h.hosting.do(ctx, string(weights), func(ctx context.Context) (blob.Digest, error) {
		p, err := h.loadPolicy(ctx)
		if err != nil {
			return "", err
		}
		return h.Policies.Put(p), nil
	})
	if err == nil && got != weights {
		err = fmt.Errorf("load the policy of step %d: its weights are %s, the plan names %s", h.plan.Unit.Step, got, weights)
	}
	return err
}

func (h *hand) loadPolicy(ctx context.Context) (policy.Policy, error) {
	entry, err := checkpoint.ReadEntry(ctx, h.store, h.job.def.ID, h.plan.Policy.Entry)
	if err != nil {
		return nil, err
	}
	c, ok := entry.Holding(h.plan.Policy)
	if !ok {
		return nil, fmt.Errorf("log entry %d does not name checkpoint %s", h.plan.Policy.Entry, h.plan.Policy.Manifest)
	}
	_, arrays, err := checkpoint.LoadWeights(ctx, h.store, h.job.def.ID, c)
	if err != nil {
		return nil, err
	}
	return checkpoint.Policy(arrays)
}
