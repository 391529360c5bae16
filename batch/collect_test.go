package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

func trace(rollout, decisions int, rewards ...float64) traces.Trace {
	t := traces.Trace{Group: 1, Rollout: rollout, Task: 7}
	for n := range decisions {
		t.Decisions = append(t.Decisions, telemetry.Decision{
			Number: uint32(n), Width: 2, Features: []float32{float32(n), 1, 2, 3}, Chosen: 1, LogProb: -0.5,
		})
	}
	for _, v := range rewards {
		t.Events = append(t.Events, telemetry.Event{Name: "reward", Body: telemetry.Reward{Value: v}})
	}
	return t
}

func TestOutcomesAreSettledInTheOrderOfReasons(t *testing.T) {
	t.Parallel()
	a := traces.Assembled{Traces: []traces.Trace{
		trace(0, 2, 0.5),
		{}, // dropped already
		trace(2, 1),
		trace(3, 0),
		trace(4, 0, 1),
		trace(5, 1, 0),
	}}
	for i := range a.Traces {
		a.Outcomes = append(a.Outcomes, job.Outcome{Group: 1, Rollout: i, Nonce: "n"})
	}
	a.Outcomes[1].Reason = job.StalePolicy
	judge := batch.Judge{Scorer: scorer(t, spec.Reward{Name: "reward"}), Weights: weights}
	samples, outcomes, err := judge.Collect(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want := []job.Reason{"", job.StalePolicy, job.NoReward, job.NoReward, job.NoDecision, ""}
	for i, o := range outcomes {
		if o.Reason != want[i] || o.Rollout != i || o.Nonce != "n" {
			t.Errorf("outcome %d is %+v, want %q", i, o, want[i])
		}
		if (o.Reward != nil) != (want[i] == "") || (o.Sample != "") != (want[i] == "") {
			t.Errorf("outcome %d has reward %v and sample %q", i, o.Reward, o.Sample)
		}
	}
	if len(samples) != 2 || samples[0].Rollout != 0 || samples[1].Rollout != 5 {
		t.Fatalf("samples %+v", samples)
	}
	s := samples[0]
	if outcomes[0].Sample != s.Digest() || *outcomes[0].Reward != 0.5 || s.Task != 7 || s.Policy != weights {
		t.Fatalf("sample %+v of %+v", s, outcomes[0])
	}
	if c := s.Choices; !reflect.DeepEqual(c.Features, []float32{0, 1, 2, 3, 1, 1, 2, 3}) ||
		!reflect.DeepEqual(c.Offsets, []int{0, 2, 4}) || !reflect.DeepEqual(c.Chosen, []int32{1, 1}) || c.Width != 2 {
		t.Fatalf("choices %+v", c)
	}
	failure := -1.0
	judge.Failure = &failure
	if _, outcomes, err = judge.Collect(t.Context(), a); err != nil || outcomes[2].Reward == nil || *outcomes[2].Reward != -1 {
		t.Fatalf("%+v, %v", outcomes[2], err)
	}
}

func scorer(t *testing.T, s spec.Reward) reward.Scorer {
	t.Helper()
	made, err := reward.New(s, reward.Services{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

type unreachable struct{ err error }

func (u unreachable) Score(context.Context, []reward.Item) ([]reward.Score, error) {
	return nil, u.err
}

func TestScorerOutOfReachDecidesNothing(t *testing.T) {
	t.Parallel()
	cause := errors.New("refused")
	a := traces.Assembled{Traces: []traces.Trace{trace(0, 1)}, Outcomes: make([]job.Outcome, 1)}
	samples, outcomes, err := batch.Judge{Scorer: unreachable{cause}}.Collect(t.Context(), a)
	if !errors.Is(err, cause) || samples != nil || outcomes != nil {
		t.Fatalf("%v, %v, %v", samples, outcomes, err)
	}
}

func TestSampleSaysThatItsRolloutWasTruncated(t *testing.T) {
	t.Parallel()
	for _, truncated := range []bool{false, true} {
		whole := trace(0, 1, 1)
		whole.Events = append(whole.Events, telemetry.Event{Name: "end", Body: telemetry.End{Events: 3, Truncated: truncated}})
		if s := batch.FromTrace(&whole, 1, weights); s.Truncated != truncated {
			t.Errorf("truncated is %v, the end says %v", s.Truncated, truncated)
		}
	}
}

func TestSampleHasEachOfSeveralRewards(t *testing.T) {
	t.Parallel()
	a := traces.Assembled{Traces: []traces.Trace{trace(0, 1, 0.5)}, Outcomes: []job.Outcome{{Group: 1, Nonce: "n"}}}
	judge := batch.Judge{Scorer: scorer(t, spec.Reward{Components: []spec.Component{{Name: "reward", Weight: 3}, {Name: "style", Weight: 1}}}), Weights: weights}
	samples, outcomes, err := judge.Collect(t.Context(), a)
	if err != nil || len(samples) != 1 || *outcomes[0].Reward != 1.5 || outcomes[0].Sample != samples[0].Digest() {
		t.Fatalf("samples %+v, outcomes %+v, %v", samples, outcomes, err)
	}
	if r := samples[0].Rewards; len(r) != 2 || r[0] != 0.5 || !math.IsNaN(r[1]) {
		t.Errorf("rewards %v", r)
	}
	record, err := json.Marshal(outcomes[0])
	if err != nil || !strings.Contains(string(record), `"reward":1.5,"rewards":[0.5,null],`) {
		t.Errorf("outcome %s, %v", record, err)
	}
}
