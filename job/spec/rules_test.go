package spec_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// with reads a small spec with the fields of a section grpo.
func with(grpo string) (*spec.Spec, error) { return decodeText("grpo: {" + grpo + "}\n") }

// decodeText reads a small spec with a section more, in line 9.
func decodeText(section string) (*spec.Spec, error) {
	return spec.Decode("f", []byte(`# What a job needs,
# and one section more.
name: a
steps: 10
policy: {kind: linear, features: 8}
agent: {url: "http://127.0.0.1:1/"}
tasks: {data: a.jsonl, groups: 12}
optimizer: {learning_rate: 0.1}
`+section))
}

func TestContradictionsAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ grpo, want string }{
		{"algorithm: sapo, clip_low: 0.1", "grpo.clip_low: exists only with grpo.algorithm grpo, dapo"},
		{"algorithm: cispo, clip_dual: 3", "grpo.clip_dual: exists only with grpo.algorithm grpo, dapo"},
		{"algorithm: gmpo, clip_dual: 3", "grpo.clip_dual: exists only with"},
		{"tau_positive: 2", "grpo.tau_positive: exists only with grpo.algorithm sapo"},
		{"rate_negative: 2", "grpo.rate_negative: exists only with grpo.algorithm vespo"},
		{"algorithm: gmpo, clip_high: 21", "grpo.clip_high: 21 is above 20: gmpo clips logarithms"},
		{"clip_dual: 1.2", "grpo.clip_dual: 1.2 is not above 1 + grpo.clip_high, which is 1.2"},
		{"algorithm: ppo_dual_clip, clip_high: 2.5", "grpo.clip_dual: 3 is not above 1 + grpo.clip_high, which is 3.5"},
		{"max_length: 5", "grpo.max_length: has no effect with the aggregation sequence_mean"},
		{"algorithm: dr_grpo, aggregation: token_mean, max_length: 5", "grpo.max_length: has no effect with the aggregation token_mean"},
		{"minibatches: 4, accumulate: 3", "grpo.accumulate: 3 does not divide grpo.minibatches (4)"},
		{"accumulate: 2", "grpo.accumulate: 2 does not divide grpo.minibatches (1)"},
		{"staleness: 1", "grpo.staleness: 1 lets older policies draw the samples, and nothing weighs them; set grpo.old: sampling"},
		{"staleness: 1, correction: {off_policy: 1}", "grpo.staleness: 1 lets older policies draw the samples, and nothing weighs them"},
		{"staleness: 2, old: sampling, algorithm: gpg", "grpo.staleness: 2 lets older policies draw the samples, and gpg takes no ratio"},
		{"staleness: 9, old: sampling", "grpo.staleness: 9 is out of bounds (allowed: 0 to 8)"},
		{"correction: {}", "grpo.correction: corrects nothing"},
		{"correction: {off_policy: 1, mode: mask}", "grpo.correction.mode: exists only with grpo.correction.level token"},
		{"old: sampling, correction: {level: token}", "grpo.correction.level: with grpo.old: sampling the ratio is taken to the policy that drew"},
		{"algorithm: gmpo, correction: {level: token}", "grpo.correction.level: token contradicts gmpo"},
		{"correction: {level: sequence, min: 2}", "grpo.correction.min: 2 is not below grpo.correction.max (2)"},
		{"kl: {kind: k1}", "grpo.kl.kind: has no effect without a penalty"},
		{"kl: {placement: reward}", "grpo.kl.placement: has no effect without a penalty"},
		{"kl: {adaptive: {target: 1}}", "grpo.kl.adaptive: multiplies grpo.kl.coefficient, and 0 would stay 0"},
		{"kl: {sync: {every: 3}}", "grpo.kl.sync: has no effect without a penalty"},
		{"kl: {coefficient: 1, placement: reward}, advantage: {estimator: gdpo}", "grpo.kl.placement: reward contradicts the estimator gdpo"},
		{"entropy: {}", "grpo.entropy: does nothing"},
		{"entropy: {adaptive: {target: 1, min: 1}}", "grpo.entropy.adaptive.min: 1 is not below grpo.entropy.adaptive.max (1)"},
		{"entropy: {coefficient: 2, adaptive: {target: 1}}", "grpo.entropy.coefficient: 2 is where it begins, and not in"},
		{"advantage: {estimator: gdpo, scale: batch}", "grpo.advantage.scale: batch contradicts the estimator gdpo"},
		{"advantage: {estimator: rloo, scale: mean}", "grpo.advantage.scale: mean divides by the mean that was subtracted, and rloo"},
		{"advantage: {estimator: pass_at_k, scale: whiten}", "grpo.advantage.scale: whiten compares groups with each other"},
		{"advantage: {estimator: rloo, epsilon: 1e-6}", "grpo.advantage.epsilon: has no effect with the scale none"},
		{"advantage: {equal: formula}", "grpo.advantage.equal: formula has no effect: groups of equal rewards are dropped"},
		{"advantage: {singleton: formula}", "grpo.advantage.singleton: formula has no effect: groups of one are dropped"},
		{"min_group: 1", "grpo.min_group: 1 has no effect: a group of one has no variance"},
		{"overlong: {max_length: 3, buffer: 4}", "grpo.overlong.buffer: is more than grpo.overlong.max_length"},
		{"overlong: {max_length: 5, buffer: 4}, advantage: {estimator: gdpo}", "grpo.overlong: contradicts the estimator gdpo"},
	} {
		s, err := with(c.grpo)
		if s != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", c.grpo, err, c.want)
		}
	}
}

func TestComponentsOfTheRewardAreChecked(t *testing.T) {
	t.Parallel()
	for reward, want := range map[string]string{
		"components: [{name: a}, {name: b, weight: -2}]": "",
		"components: {name: a}":                          "f:9: reward.components: expected a list of sections (name, kind, weight, cel, exact, numeric, json_schema, http, clip_low, clip_high and failure_score), found a section",
		"components: []":                                 "f:9: reward.components: the list has 0 entries (allowed: 1 to 16 entries)",
		"components: [a]":                                "f:9: reward.components: expected a section (name, kind, weight, cel, exact, numeric, json_schema, http, clip_low, clip_high and failure_score), found the text \"a\"",
		"components: [{weight: 1}]":                      "f:9: reward.components.name: missing (allowed: 1 to 100 of letters",
		"components: [{name: a}, {name: b, wight: 1}]":   "f:9: reward.components.wight: unknown field; did you mean reward.components.weight?",
		"components: [{name: a, weight: 1e7}]":           "f:9: reward.components.weight: 1e7 is out of bounds",
		"kind: cel":                                      "f:9: reward.kind: cel needs the section cel",
		"kind: http, http: {url: \"http://:1\"}":         "f:9: reward.kind: \"http://:1\" is not a URL with a host",
		"cel: {expression: '1.0'}":                       "f:9: reward.cel: exists only with reward.kind cel",
		"kind: exact, components: [{name: a}]":           "f:9: reward.kind: exact has no effect beside reward.components",
		"clip_low: 1, clip_high: 1":                      "f:9: reward.clip_low: clip_low is not below clip_high",
		"components: [{name: a, kind: json_schema}]":     "f:9: reward.components: a: json_schema needs the section",
		"components: [{name: a}], clip_low: 0":           "f:9: reward.clip_low: has no effect beside reward.components",
		"components: [{name: a}, {name: a}]":             "f:9: reward.components: \"a\" is there twice: add the weights",
		"components: [{name: a}], name: b":               "f:9: reward.name: has no effect beside reward.components",
		"components: [{name: a}], failure_score: 0":      "f:9: reward.failure_score: belongs to none of reward.components",
	} {
		s, err := decodeText("reward: {" + reward + "}\n")
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want == "" && !slices.Equal(s.Reward.Components, []spec.Component{{Name: "a", Kind: "recorded", Weight: 1}, {Name: "b", Kind: "recorded", Weight: -2}}):
			t.Errorf("components %+v", s.Reward.Components)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%s: %v, want %s", reward, err, want)
		}
	}
}

func TestClipIsTheAlgorithmsOwnUnlessGiven(t *testing.T) {
	t.Parallel()
	for _, name := range grpo.Algorithms() {
		row, err := grpo.Algorithm(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := with("algorithm: " + name)
		if err != nil {
			t.Fatal(err)
		}
		g := s.GRPO
		var got []float64
		if g.ClipLow != nil && g.ClipHigh != nil {
			got = []float64{*g.ClipLow, *g.ClipHigh, g.ClipDual}
		}
		var want []float64
		switch {
		case name == "cispo":
			want = []float64{1, 4, 0} // weights in [1-1, 1+4]
		case row.Clip.Kind == grpo.ClipRatio:
			want = []float64{row.Clip.Low, row.Clip.High, row.Clip.Dual}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: clip %v, want %v", name, got, want)
		}
		soft := grpo.Clip{TauPositive: g.TauPositive, TauNegative: g.TauNegative}
		soft.GammaPositive, soft.GammaNegative = grpo.Gamma{Shape: g.ShapePositive, Rate: g.RatePositive}, grpo.Gamma{Shape: g.ShapeNegative, Rate: g.RateNegative}
		own := grpo.Clip{TauPositive: row.Clip.TauPositive, TauNegative: row.Clip.TauNegative, GammaPositive: row.Clip.GammaPositive, GammaNegative: row.Clip.GammaNegative}
		if soft != own {
			t.Errorf("%s: %+v, want %+v", name, soft, own)
		}
		if g.Aggregation != "" {
			t.Errorf("%s: aggregation %s, though none was given", name, g.Aggregation)
		}
	}
	s, err := with("algorithm: dapo, clip_high: 0.2, clip_low: 0")
	if err != nil || *s.GRPO.ClipHigh != 0.2 || *s.GRPO.ClipLow != 0 {
		t.Errorf("what was given was changed: %+v, %v", s, err)
	}
}

func TestScaleAndEpsilonAreTheEstimatorsOwnUnlessGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		advantage string
		scale     string
		epsilon   float64 // below 0: none
	}{
		{"", "group", 1e-4},
		{"scale: none", "none", 1e-4}, // as it always was
		{"scale: batch", "batch", 1e-4},
		{"scale: whiten", "whiten", 1e-8},
		{"estimator: dr_grpo", "none", -1},
		{"estimator: rloo", "none", -1},
		{"estimator: rloo, scale: group", "group", 1e-4},
		{"estimator: reinforce_pp_baseline", "whiten", 1e-8},
		{"estimator: gpg", "nonzero", -1},
		{"estimator: opo", "none", -1},
		{"estimator: pass_at_k", "group", 1e-6},
		{"estimator: pass_at_k, epsilon: 0", "group", 0},
		{"estimator: maxrl", "mean", -1},
		{"estimator: gdpo", "group", 1e-4},
	} {
		s, err := with("advantage: {" + c.advantage + "}")
		if err != nil {
			t.Fatal(err)
		}
		epsilon := -1.0
		if e := s.GRPO.Advantage.Epsilon; e != nil {
			epsilon = *e
		}
		if s.GRPO.Advantage.Scale != c.scale || epsilon != c.epsilon {
			t.Errorf("%s: scale %s, epsilon %v, want %s, %v", c.advantage, s.GRPO.Advantage.Scale, epsilon, c.scale, c.epsilon)
		}
	}
}

func TestEveryFieldOfTheMathematicsIsInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "grpo.md"))
	if err != nil {
		t.Fatal(err)
	}
	for path := range leaves(schema(t).Schema(), "") {
		name := path[strings.LastIndexByte(path, '.')+1:]
		if strings.HasPrefix(path, "grpo.") && !regexp.MustCompile("\\b"+name+"\\b").Match(text) {
			t.Errorf("docs/grpo.md does not say what %s is", path)
		}
	}
}

func TestCorrectionIsBoundedByItsMode(t *testing.T) {
	t.Parallel()
	for grpo, want := range map[string]float64{
		"level: token": 2, "level: sequence, mode: mask": 3, "level: token, mode: mask, max: 2.5": 2.5, "off_policy: 0.1": 0,
	} {
		s, err := with("correction: {" + grpo + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.GRPO.Correction.Max; got != want {
			t.Errorf("%s: max is %v, want %v", grpo, got, want)
		}
	}
}
