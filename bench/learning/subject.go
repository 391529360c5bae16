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
	add := func(name string, text []byte) error {
		s, err := spec.Decode(name, text)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		subjects = append(subjects, subject{name: s.Name, spec: s})
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
