//go:build services

package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/audit"
)

// row is what became of a fault's events.
type row struct {
	name           string
	accounts       telemetry.Accounts
	log, elsewhere uint64 // events in the log; of them, in the dead letters or a spill file too
	audit          audit.Totals
}

// print shows what became of the events of all faults.
func (s *stage) print(t *testing.T) {
	t.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "fault\tadmitted\tacknowledged\tdead-lettered\tspilled\tfailed\tuncertain\treplayed\trefused\tin the log\telsewhere too\tduplicates\tgap\ttombstoned\t")
	for _, r := range s.rows {
		a := r.accounts
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.name,
			a.Admitted, a.Acknowledged, a.DeadLettered, a.Spilled, a.Failed, a.Uncertain, a.Replayed, a.Refused,
			r.log, r.elsewhere, r.audit.Duplicates, r.audit.Gap, r.audit.DeadLettered)
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", &text)
}
