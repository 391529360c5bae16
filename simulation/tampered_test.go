package simulation_test

import (
	"github.com/cohort-rl/cohort/traces"
)

// log is the log that a process sees.
func (m mutation) log(w *world, p *process) traces.Log { return reader{w, p} }
