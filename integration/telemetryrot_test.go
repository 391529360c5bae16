//go:build services

package integration_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

// awaitFile waits until the spill file has enough for some of it to be lost.
func (s *series) awaitFile(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); len(s.file(t)) < 50; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the spill file has only %d events", len(s.file(t)))
		}
	}
}

// rot flips a bit in some records of the spill file, behind each of which lies
// another event of its stream: once that is sent back, it shows the hole.
func (s *series) rot(t *testing.T) {
	t.Helper()
	var all []spill.Record
	last := map[origin]int{} // the last record of each stream
	ids := make([]string, 0)
	if _, err := spill.Scan(s.spill, func(r spill.Record) error {
		l, err := telemetry.ReadDeadLetter(r.Payload)
		if err != nil {
			return err
		}
		from, _, err := sequenced(l.Headers, l.Partition)
		last[from] = len(all)
		all, ids = append(all, r), append(ids, identity(l.Headers, l.Partition))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(s.spill, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i := 0; i < len(all); i += 1 + s.random.IntN(40) {
		if slices.Contains(slices.Collect(maps.Values(last)), i) {
			continue
		}
		at := all[i].End - 1 - int64(s.random.IntN(len(all[i].Payload)))
		var one [1]byte
		if _, err := file.ReadAt(one[:], at); err != nil {
			t.Fatal(err)
		}
		one[0] ^= 1 << s.random.IntN(8)
		if _, err := file.WriteAt(one[:], at); err != nil {
			t.Fatal(err)
		}
		s.rotten[ids[i]] = true
		delete(s.spilled, ids[i])
	}
}

// A producer is killed while the log takes nothing: its tombstones never arrive.
// Once the next start has sent back what the disk has kept of its spill file, the
// audit names exactly what the disk lost.
func TestAuditNamesTheHoleThatAKillAndARottenDiskLeave(t *testing.T) {
	t.Parallel()
	s := newSeries(t, 0)
	s.kill(t, true, false, true)
	if len(s.rotten) == 0 {
		t.Fatal("the disk lost nothing")
	}
	if before := s.check(t, s.look(t), nil); before.Gap != 0 || before.Tombstones != 0 || before.Unclean == 0 {
		t.Errorf("before anything is sent back the audit says %+v, want an unclean end and nothing else", before)
	}
	s.goBack(t)
	s.check(t, s.look(t), s.spilled)
	named := map[string]bool{}
	for _, a := range auditTopic(t, s.of, s.topic).Streams {
		for _, g := range a.Gaps {
			for n := g.From; n < g.Until; n++ {
				named[fmt.Sprintf("%s/%d/%d", a.Producer, a.Partition, n)] = true
			}
		}
	}
	if !maps.Equal(named, s.rotten) {
		t.Errorf("the audit names the holes %v, the disk lost %v", slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(s.rotten)))
	}
	t.Logf("%d events in the spill file, %d of them lost and named", len(s.spilled)+len(s.rotten), len(named))
}
