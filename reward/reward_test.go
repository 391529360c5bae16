package reward_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

type named struct {
	name  string
	value float64
}

func trace(rewards ...named) *traces.Trace {
	t := &traces.Trace{Events: []telemetry.Event{{Name: "start", Body: telemetry.Start{}}}}
	for _, r := range rewards {
		t.Events = append(t.Events, telemetry.Event{Name: r.name, Body: telemetry.Reward{Value: r.value}})
	}
	t.Events = append(t.Events, telemetry.Event{Name: "reward", Body: telemetry.End{}})
	return t
}

func TestRecordedReward(t *testing.T) {
	t.Parallel()
	failure, broken := -1.0, math.NaN()
	for _, c := range []struct {
		name    string
		trace   *traces.Trace
		failure *float64
		value   float64
		reason  job.Reason
	}{
		{"one", trace(named{"reward", 0.5}), nil, 0.5, ""},
		{"zero is a reward", trace(named{"reward", 0}), &failure, 0, ""},
		{"the last counts", trace(named{"reward", 1}, named{"reward", 3}, named{"other", 9}), nil, 3, ""},
		{"none is no zero", trace(), nil, 0, job.NoReward},
		{"another's name", trace(named{"Reward", 1}), nil, 0, job.NoReward},
		{"failure score", trace(), &failure, -1, ""},
		{"a reward beats the failure score", trace(named{"reward", 2}), &failure, 2, ""},
		{"NaN", trace(named{"reward", math.NaN()}), &failure, 0, job.InvalidReward},
		{"infinite", trace(named{"reward", math.Inf(-1)}), nil, 0, job.InvalidReward},
		{"NaN failure score", trace(), &broken, 0, job.InvalidReward},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scorer, err := reward.New(spec.Reward{Kind: "recorded", Name: "reward"}, reward.Services{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := reward.Judge(t.Context(), scorer, c.failure, []reward.Item{{Trace: c.trace}})
			if err != nil || got[0].Value != c.value || got[0].Parts != nil || got[0].Reason != c.reason {
				t.Fatalf("got %+v, %v; want %v, %q", got, err, c.value, c.reason)
			}
		})
	}
}

type broken struct{ err error }

func (b broken) Score(context.Context, []reward.Item) ([]reward.Score, error) {
	return []reward.Score{{Given: true, Value: 1}}, b.err
}

func TestScoreThatCannotBeFoundOutIsNoFate(t *testing.T) {
	t.Parallel()
	cause := errors.New("no answer")
	if got, err := reward.Judge(t.Context(), broken{cause}, nil, []reward.Item{{Trace: trace()}}); !errors.Is(err, cause) || got != nil {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestWeightedSumOfSeveralRewards(t *testing.T) {
	t.Parallel()
	scorer, err := reward.New(spec.Reward{Kind: "recorded", Components: []spec.Component{{Name: "exact", Weight: 2}, {Name: "short", Weight: -0.5}}}, reward.Services{})
	if err != nil {
		t.Fatal(err)
	}
	none := math.NaN()
	for _, c := range []struct {
		name   string
		trace  *traces.Trace
		value  float64
		parts  []float64
		reason job.Reason
	}{
		{"both", trace(named{"exact", 1}, named{"short", 3}, named{"other", 9}), 0.5, []float64{1, 3}, ""},
		{"the last counts", trace(named{"exact", 1}, named{"short", 3}, named{"exact", 2}), 2.5, []float64{2, 3}, ""},
		{"one is missing, which is no zero", trace(named{"short", 3}), -1.5, []float64{none, 3}, ""},
		{"none", trace(named{"reward", 1}), 0, nil, job.NoReward},
		{"one is not finite", trace(named{"exact", none}, named{"short", 3}), 0, nil, job.InvalidReward},
	} {
		got, err := reward.Judge(t.Context(), scorer, nil, []reward.Item{{Trace: c.trace}})
		if err != nil {
			t.Fatal(err)
		}
		score, reason := got[0].Score, got[0].Reason
		same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
		if score.Value != c.value || reason != c.reason || !slices.EqualFunc(score.Parts, c.parts, same) {
			t.Errorf("%s: got %+v, %q", c.name, score, reason)
		}
	}
}

func TestUnknownKindNamesTheField(t *testing.T) {
	t.Parallel()
	if _, err := reward.New(spec.Reward{Kind: "guess"}, reward.Services{}); err == nil || !strings.Contains(err.Error(), "reward.kind") {
		t.Fatal(err)
	}
}
