package simulation_test

import (
	"fmt"
	"strings"
	"testing"
)

// mutation takes a part of the protocol away.
type mutation struct {
	ignoreLog     bool // the store forgets the condition of log entries
	ignoreSettled bool // and that of settled records
	constantNonce bool // executions and markers have no nonce of their own
	noClosing     bool // ranges end where the log ended before the rollouts did
	noMarkCheck   bool // markers are not looked at: whatever lies there passes
	noDuplicates  bool // a record that comes twice is not known as the same
	noReconciler  bool // what nobody holds any more is not driven again
	otherPolicy   bool // steps are planned under a commit later than the one that the staleness names
	noLimit       bool // the limit of shards in flight is not heeded
}

// ignores says whether the store forgets the condition on a key.
func (m mutation) ignores(key string) bool {
	return m.ignoreLog && strings.Contains(key, "/log/") || m.ignoreSettled && strings.Contains(key, "/settled/")
}

// A part of the protocol that is taken away is missed: one of the first so many
// runs fails.
func TestSimulationMissesWhatIsTakenAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		mutation mutation
		within   int
	}{
		{"condition of log entries", mutation{ignoreLog: true}, 200},
		{"condition of settled records", mutation{ignoreSettled: true}, 200},
		{"nonce", mutation{constantNonce: true}, 200},
		{"closing marker", mutation{noClosing: true}, 200},
		{"marker check", mutation{noMarkCheck: true}, 200},
		{"de-duplication", mutation{noDuplicates: true}, 200},
		{"reconciler", mutation{noReconciler: true}, 200},
		{"policy of the right commit", mutation{otherPolicy: true}, 20},
		{"limit of shards in flight", mutation{noLimit: true}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
			for n := range c.within {
				p := planOf(uint64(n + 1))
				p.mutation = c.mutation
				switch {
				case c.mutation.noMarkCheck: // else offsets and promises tell of the loss
					p.variation, p.odd, p.modest, p.faults, p.cancel, p.rot, p.beside = oneAttempt, false, true, 60, false, false, 0
				case c.mutation.otherPolicy:
					p.variation, p.keep, p.steps = stale()[n%len(stale())], 0, 0
				}
				if _, err := refs.check(t, p); err != nil {
					t.Logf("missed in run %d of at most %d: %s", n+1, c.within, first(err))
					return
				}
			}
			t.Errorf("not missed in %d runs", c.within)
		})
	}
}

func first(err error) string {
	text, _, _ := strings.Cut(fmt.Sprint(err), "\n")
	return text[:min(len(text), 200)]
}
