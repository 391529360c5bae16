package main

import (
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/bench/learning/trainer"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job/spec"
)

// subject is a spec that is measured.
type subject struct {
	name string
	spec *spec.Spec
}

// subjects are the specs of the flags, or those of the reference.
func (o options) subjects() ([]subject, error) {
	var subjects []subject
	add := func(file string, text []byte) error {
		s, err := spec.Decode(file, text)
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		name := s.Name
		if o.staleness > 0 {
			s.GRPO.Staleness, s.GRPO.Old = o.staleness, "sampling"
			name = fmt.Sprintf("%s, staleness %d", name, o.staleness)
		}
		subjects = append(subjects, subject{name: name, spec: s})
		return nil
	}
	for _, file := range o.specs {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := add(file, text); err != nil {
			return nil, err
		}
	}
	if len(o.specs) > 0 {
		return subjects, nil
	}
	for _, text := range [][]byte{countdown.Job(), countdown.JobMLP()} {
		if err := add("the example's spec", append(text, trainer.AsReference...)); err != nil {
			return nil, err
		}
	}
	return subjects, nil
}
