package main

import "github.com/cohort-rl/cohort/job/spec"

type schemaCommand struct{}

// Run prints the schema.
func (schemaCommand) Run(s *streams) error {
	schema, err := spec.Schema()
	if err != nil {
		return err
	}
	_, err = s.out.Write(schema)
	return err
}
