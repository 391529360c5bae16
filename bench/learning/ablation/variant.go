package main

import (
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// variant is the base with one setting of the section grpo changed.
type variant struct {
	part    string // what is compared
	setting string // YAML, in one line
}

// variants are the rows of the table.
func variants() []variant {
	all := []variant{{"base", "algorithm: bnpo"}}
	for _, name := range grpo.Algorithms() {
		if name != "bnpo" {
			all = append(all, variant{"loss", "algorithm: " + name})
		}
	}
	for _, name := range grpo.EstimatorNames() {
		switch name {
		case "grpo": // the base
		case "gdpo": // for several rewards
		case "grpo_batch":
			all = append(all, variant{"estimator", "advantage: {scale: batch}"})
		default:
			all = append(all, variant{"estimator", fmt.Sprintf("advantage: {estimator: %s}", name)})
		}
	}
	for _, setting := range []string{
		"zero_variance: keep", "clip_high: 0.28", "kl: {coefficient: 0.01}", "entropy: {coefficient: 0.01}",
		"epochs: 1", "epochs: 4", "minibatches: 1", "minibatches: 8",
	} {
		all = append(all, variant{"option", setting})
	}
	return all
}

// bases are the specs of both policies: two epochs of four mini-batches, so that
// ratios and their clipping matter, and a rate that falls to zero. Each has a
// section grpo with one setting a line.
func bases() []string {
	linear := strings.NewReplacer(
		"kind: mlp\n", "kind: linear\n", "  hidden: 128\n", "", "learning_rate: 0.02\n", "learning_rate: 0.5\n",
	).Replace(string(countdown.JobFast()))
	return []string{linear, string(countdown.JobFast())}
}

// of is the variant of a base, for a number of steps.
func (v variant) of(base string, steps int) (*spec.Spec, error) {
	name, _, _ := strings.Cut(v.setting, ":")
	var text strings.Builder
	for line := range strings.Lines(base) {
		if strings.HasPrefix(line, "  "+name+":") {
			continue
		}
		text.WriteString(line)
		if line == "grpo:\n" {
			text.WriteString("  " + v.setting + "\n")
		}
	}
	s, err := spec.Decode("variant", []byte(text.String()))
	if err != nil {
		return nil, err
	}
	s.Steps = steps
	return s, s.Validate()
}

// row is a row of the table, with a spec for each base.
type row struct {
	variant
	specs []*spec.Spec
}

// rowsOf are all rows. A variant that is refused stops before anything is trained.
func rowsOf(steps int) ([]row, error) {
	var rows []row
	for _, v := range variants() {
		r := row{variant: v}
		for _, base := range bases() {
			s, err := v.of(base, steps)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.setting, err)
			}
			r.specs = append(r.specs, s)
		}
		rows = append(rows, r)
	}
	return rows, nil
}
