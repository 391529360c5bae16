package simulation_test

import (
	"strings"

	"github.com/cohort-rl/cohort/traces"
)

// mutation takes a part of the protocol away.
type mutation struct {
	constantNonce bool
	noReconciler  bool
	ignoreLog     bool
	ignoreSettled bool
}

// ignores says whether the store forgets the condition on a key.
func (m mutation) ignores(key string) bool {
	return m.ignoreLog && strings.Contains(key, "/log/") || m.ignoreSettled && strings.Contains(key, "/settled/")
}

// log is the log that a coordinator sees.
func (m mutation) log(w *world, p *process) traces.Log { return reader{w, p} }
