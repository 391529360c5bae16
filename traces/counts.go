package traces

import (
	"strings"

	"github.com/cohort-rl/cohort/job"
)

const (
	// maxQuarantined is how many bad records are named; all are counted.
	maxQuarantined = 100
	// maxReason bounds the bytes of the reason that a bad record is named with.
	maxReason = 200
)

// A Tally counts what a pass met and names the first records that are no
// events.
type Tally struct {
	Counts     job.Counts
	Quarantine []job.Quarantined
}

func (t *Tally) quarantine(partition int, offset int64, err error) {
	t.Counts.Quarantined++
	if len(t.Quarantine) < maxQuarantined {
		reason := err.Error()
		if len(reason) > maxReason {
			reason = strings.ToValidUTF8(reason[:maxReason], "")
		}
		t.Quarantine = append(t.Quarantine, job.Quarantined{Partition: partition, Offset: offset, Reason: reason})
	}
}

// Add adds what another pass met after this one.
func (t *Tally) Add(u Tally) {
	c, d := &t.Counts, u.Counts
	c.Records += d.Records
	c.Bytes += d.Bytes
	c.Events += d.Events
	c.Duplicates += d.Duplicates
	c.Superseded += d.Superseded
	c.Foreign += d.Foreign
	c.Quarantined += d.Quarantined
	room := max(0, maxQuarantined-len(t.Quarantine))
	t.Quarantine = append(t.Quarantine, u.Quarantine[:min(room, len(u.Quarantine))]...)
}
