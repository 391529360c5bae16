package job_test

import (
	"encoding/json"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
)

// A log entry that is accepted can be written, and means the same when it is
// read again. The seal is made here, for no fuzzer finds a hash.
func FuzzEntry(f *testing.F) {
	for _, e := range []job.Entry{
		{Format: job.EntryFormat, Kind: job.KindBegin, Begin: &job.Begin{Numerics: "1", Topic: "t", Marks: []job.Mark{{}}}},
		{Format: job.EntryFormat, N: 1, Kind: job.KindCommit, Commit: &job.Commit{Metrics: []job.Metric{{Name: "reward", Value: 0.5}}, Pending: []job.Pending{{Step: 1}}}},
		{Format: job.EntryFormat, N: 2, Kind: job.KindEnd, End: &job.End{Verdict: job.Broken, Reason: "why", Ledgers: []job.LedgerRef{{}}}},
	} {
		body, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"format":"`))
	f.Add([]byte(`{"format":"` + job.EntryFormat + `","n":-1,"begin":null,"begin":{}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, body := range [][]byte{content, seal(content)} {
			var e job.Entry
			if err := sealed.Open(body, job.EntryFormat, &e); err != nil {
				continue
			}
			e.NewCheckpoint()
			again, err := sealed.Seal(&e)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			var twice job.Entry
			if err := sealed.Open(again, job.EntryFormat, &twice); err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if last, err := sealed.Seal(&twice); err != nil || string(last) != string(again) {
				t.Fatalf("read again it is %s, %v; before %s", last, err, again)
			}
		}
	})
}

// seal puts the right digest behind what may be an object.
func seal(content []byte) []byte {
	if len(content) == 0 {
		return nil
	}
	body := append([]byte{}, content[:len(content)-1]...)
	return append(body, `,"sha256":"`+string(blob.DigestOf(content))+`"}`...)
}
