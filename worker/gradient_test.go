package worker_test

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/worker"
)

// two are the samples of two groups of two rollouts.
func two() []batch.Sample {
	var samples []batch.Sample
	for i := range 4 {
		samples = append(samples, batch.Sample{
			Group: i / 2, Rollout: i % 2, Reward: float64(i), LogProbs: []float32{-0.7},
			Choices: policy.Choices{Width: 2, Features: []float32{1, float32(i), 0, 1}, Offsets: []int{0, 2}, Chosen: []int32{int32(i % 2)}},
		})
	}
	return samples
}

// gradient makes the task a shard of the gradient of group 1, whose samples and
// terms it stores; change may alter both.
func (x *site) gradient(change func(samples []batch.Sample, terms *job.GradientTerms)) *job.GradientTerms {
	x.t.Helper()
	entry, err := checkpoint.ReadEntry(x.t.Context(), x.store, "j", 0)
	if err != nil {
		x.t.Fatal(err)
	}
	samples := two()
	terms := &job.GradientTerms{
		Format: job.TermsFormat, Shards: 2, Start: entry.Begin.Checkpoint,
		Totals: job.GradientTotals(grpo.Totals{Tokens: 4, Rows: 4, AllRows: 4, Rollouts: 4, MaxLength: 1, EntropyTokens: 4, Parts: 1}),
		Groups: []job.GradientGroup{{Group: 1, Rollouts: []int{0, 1}, Advantages: []float32{-0.5, 0.5}}},
	}
	if change != nil {
		change(samples, terms)
	}
	files, err := batch.Write(1, 0, samples)
	if err != nil {
		x.t.Fatal(err)
	}
	terms.Parts = []blob.Ref{blob.RefOf(files[0])}
	put(x.t, x.store, x.plan.Unit.BlobPrefix()+string(terms.Parts[0].Digest), files[0])
	x.task.Shard.Phase, x.task.Shard.Index = job.Gradient(0, 0), 1
	adopt(x.t, x.store, x.task.Shard.TermsKey(), job.TermsFormat, terms)
	return terms
}

// learnt handles the task and returns the shard's record.
func (x *site) learnt() *job.GradientRecord {
	x.t.Helper()
	if err := x.worker.Handle(x.t.Context(), x.task); err != nil {
		x.t.Fatal(err)
	}
	r, _, err := records.Read[job.GradientRecord](x.t.Context(), x.store, x.task.Shard.SettledKey(), job.GradientFormat)
	if err != nil {
		x.t.Fatal(err)
	}
	if len(x.reports.said) != 1 || !strings.HasPrefix(x.reports.said[0], x.task.Shard.String()+" of 2: ") {
		x.t.Errorf("reported is %q", x.reports.said)
	}
	return r
}

func TestGradientShardIsItsPartOfTheGradient(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *spec.Spec){
		"recomputed": nil,
		"recorded":   func(s *spec.Spec) { s.GRPO.Old = "sampling" },
		"reference":  func(s *spec.Spec) { s.GRPO.KL.Coefficient = 0.1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t, unasked(t), change)
			terms := x.gradient(func(_ []batch.Sample, terms *job.GradientTerms) { terms.KL = 0.1 })
			r := x.learnt()
			_, digest, err := records.Read[job.GradientTerms](t.Context(), x.store, x.task.Shard.TermsKey(), job.TermsFormat)
			if err != nil || r.Terms != digest || r.Failure != "" || r.Done.Worker != "w" {
				t.Errorf("record %+v, terms %s, %v", r, digest, err)
			}
			body, err := blob.GetPieces(t.Context(), x.store, x.plan.Unit.BlobPrefix(), r.Sum)
			if err != nil {
				t.Fatal(err)
			}
			_, state, err := checkpoint.Load(t.Context(), x.store, "j", terms.Start)
			if err != nil {
				t.Fatal(err)
			}
			start, err := checkpoint.Policy(state.Weights)
			if err != nil {
				t.Fatal(err)
			}
			def, _, err := records.Read[job.Definition](t.Context(), x.store, job.ID("j").SpecKey(), job.DefinitionFormat)
			if err != nil {
				t.Fatal(err)
			}
			part := learner.Part{KL: terms.KL, Totals: grpo.Totals(terms.Totals), Groups: []learner.Group{{Last: 2, Advantages: terms.Groups[0].Advantages}}}
			want, err := part.Gradient(t.Context(), def.Spec, two()[2:], learner.Policies{Start: start, Reference: start})
			if err != nil || string(want.Encode()) != string(body) || len(want.Sum) != 2 || want.Sum[0] == 0 {
				t.Errorf("the sum is %v, want %+v, %v", body, want, err)
			}
		})
	}
}

// A number that is not finite would be so wherever it is computed: it is how the
// shard came out, and not tried again.
func TestGradientThatIsNotFiniteIsSettledAsAFailure(t *testing.T) {
	t.Parallel()
	x := open(t, unasked(t), func(s *spec.Spec) { s.GRPO.Old = "sampling" })
	x.gradient(func(samples []batch.Sample, _ *job.GradientTerms) { samples[3].LogProbs[0] = float32(math.Inf(-1)) })
	if r := x.learnt(); !strings.Contains(r.Failure, "not a finite number") || len(r.Sum) != 0 {
		t.Errorf("record %+v", r)
	}
}

func TestTermsThatContradictTheSamplesAreNotMet(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(samples []batch.Sample, terms *job.GradientTerms){
		"another rollout":        func(_ []batch.Sample, terms *job.GradientTerms) { terms.Groups[0].Rollouts[1] = 2 },
		"another group":          func(_ []batch.Sample, terms *job.GradientTerms) { terms.Groups[0].Group = 2 },
		"a file that is not":     func(_ []batch.Sample, terms *job.GradientTerms) { terms.Groups[0].Part = 1 },
		"too few advantages":     func(_ []batch.Sample, terms *job.GradientTerms) { terms.Groups[0].Advantages = []float32{1} },
		"no groups":              func(_ []batch.Sample, terms *job.GradientTerms) { terms.Groups = nil },
		"fewer shards":           func(_ []batch.Sample, terms *job.GradientTerms) { terms.Shards = 1 },
		"weights that are not":   func(_ []batch.Sample, terms *job.GradientTerms) { terms.Weights = []blob.Ref{blob.RefOf([]byte("no"))} },
		"checkpoint that is not": func(_ []batch.Sample, terms *job.GradientTerms) { terms.Start.Manifest = blob.DigestOf(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t, unasked(t), nil)
			x.gradient(change)
			if err := x.worker.Handle(t.Context(), x.task); err == nil || !x.open() {
				t.Errorf("error %v, open %v", err, x.open())
			}
		})
	}
}

// What shards have in common is read once, and so is what the next update needs.
func TestWorkerReadsOnceWhatGradientShardsShare(t *testing.T) {
	t.Parallel()
	x := open(t, always(http.StatusOK, ""), func(s *spec.Spec) { s.GRPO.KL.Coefficient = 0.1 })
	terms := x.gradient(nil)
	store := &counted{Bucket: x.store, gets: map[string]int{}}
	config := x.worker.Config
	config.Store = store
	w := worker.New(config)
	for epoch := range 3 {
		task := x.task
		task.Shard.Phase = job.Gradient(epoch, 0)
		adopt(t, x.store, task.Shard.TermsKey(), job.TermsFormat, terms)
		if err := w.Handle(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	for key, n := range store.gets {
		if strings.Contains(key, "/steps/") && n > 2 { // weights and reference begin as the same bytes
			t.Errorf("%s was read %d times", key, n)
		}
	}
}
