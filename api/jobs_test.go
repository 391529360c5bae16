package api_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

func TestJobsAreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New(), func(c *api.Config) { c.Clock = new(tick) })
	var want []job.ID
	for i := range 7 {
		want = append(want, r.submit(t, fmt.Sprint("key-", i)).ID)
		if i == 3 { // what was submitted behind the server's back is listed too
			if _, _, err := r.client.Jobs(t.Context(), 0, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(want)
	end(t, r.store, want[2], 1, job.End{Verdict: job.Done})
	for _, limit := range []int{1, 3, 7, 0} {
		var got []job.ID
		next, pages := "", 0
		for (next != "" || pages == 0) && pages < 10 {
			jobs, after, err := r.client.Jobs(t.Context(), limit, next)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range jobs {
				got = append(got, j.ID)
				if (j.State == api.StateDone) != (j.ID == want[2]) {
					t.Errorf("%s is %s", j.ID, j.State)
				}
			}
			next = after
			pages++
		}
		if !slices.Equal(got, want) || limit > 0 && pages != (7+limit-1)/limit {
			t.Errorf("limit %d: %s in %d pages, expected %s", limit, got, pages, want)
		}
	}
}

// A submission that was cut short is no job; one that is corrupt hides no other.
func TestListPassesOverWhatIsNoJob(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	good := r.submit(t, "good").ID
	cut := r.submit(t, "cut").ID
	r.submit(t, "corrupt")
	if err := r.store.Delete(t.Context(), cut.SpecKey()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Put(t.Context(), job.SubmissionKey("corrupt"), []byte("garbage"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	again := start(t, r.store) // a server that remembers nothing
	jobs, next, err := again.client.Jobs(t.Context(), 0, "")
	if err != nil || len(jobs) != 1 || jobs[0].ID != good || next != "" {
		t.Errorf("%+v, next %q (%v)", jobs, next, err)
	}
	_, err = again.client.Job(t.Context(), cut)
	if said := refusal(t, err, 404, api.CodeUnknownJob); !strings.Contains(said.Remedy, "cohort jobs") {
		t.Errorf("%+v", said)
	}
}

// counted counts the calls to the store by operation.
func counted(b blob.Bucket) (*blobtest.Faulty, func() map[string]int) {
	ops := map[string]*atomic.Int64{"get": {}, "put": {}, "head": {}, "list": {}, "delete": {}}
	faulty := blobtest.NewFaulty(b, func(op, _ string) blobtest.Fault {
		ops[op].Add(1)
		return blobtest.Fault{}
	})
	return faulty, func() map[string]int {
		counts := map[string]int{}
		for op, n := range ops {
			if n := n.Swap(0); n > 0 {
				counts[op] = int(n)
			}
		}
		return counts
	}
}

func TestOneJobCostsTheStoreOneReadAndNoListing(t *testing.T) {
	t.Parallel()
	store, counts := counted(mem.New())
	r := start(t, store)
	id := r.submit(t, "mine").ID
	counts()
	for _, test := range []struct {
		state api.State
		write func()
		want  map[string]int
	}{
		{api.StatePending, func() {}, map[string]int{"get": 1, "head": 2}}, // it may have been deleted
		{api.StateRunning, func() { step(t, store, id, 0) }, map[string]int{"get": 1}},
		{api.StateDone, func() { end(t, store, id, 1, job.End{Verdict: job.Done}) }, map[string]int{"get": 1}},
	} {
		test.write()
		counts()
		j, err := r.client.Job(t.Context(), id)
		if got := counts(); err != nil || j.State != test.state || !maps.Equal(got, test.want) {
			t.Errorf("%s: %v calls, expected %v (%v)", j.State, got, test.want, err)
		}
	}
}

func TestJobTellsWhatItsHintTells(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	step(t, r.store, id, 2)
	j, err := r.client.Job(t.Context(), id)
	if err != nil || j.State != api.StateRunning || j.Stage != job.StageRollouts || j.Step != 2 || j.Steps != 3 ||
		j.Reward == nil || *j.Reward != 0.5 || j.Checkpoint != digest(2) || j.Totals != totals(2) || j.Ended != nil ||
		len(j.Evaluations) != 1 || j.Evaluations[0].Mean != 0.1 {
		t.Errorf("%+v (%v)", j, err)
	}
	def, _, err := records.Read[job.Definition](t.Context(), r.store, id.SpecKey(), job.DefinitionFormat)
	head := hint(2)
	if err != nil || !reflect.DeepEqual(api.FromHead(def, &head), j) {
		t.Errorf("%+v (%v)", api.FromHead(def, &head), err)
	}
	for verdict, want := range map[job.Verdict]api.State{
		job.Done: api.StateDone, job.Broken: api.StateFailed, job.Cancelled: api.StateCancelled,
	} {
		open := job.LedgerRef{Step: 3, Totals: job.Totals{Planned: 4, Dropped: 4}}
		end(t, r.store, id, 3, job.End{Verdict: verdict, Reason: "why", Remedy: "what", Ledgers: []job.LedgerRef{open}})
		j, err := r.client.Job(t.Context(), id)
		if err != nil || j.State != want || !j.State.Ended() || j.Ended == nil || j.Reason != "why" || j.Remedy != "what" || j.Totals != totals(2).Plus(open.Totals) {
			t.Errorf("%s: %+v (%v)", verdict, j, err)
		}
	}
}

func TestCancelledJobHasTheRequest(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	for range 2 {
		if j, err := r.client.Cancel(t.Context(), id, "enough"); err != nil || j.ID != id {
			t.Fatalf("%+v (%v)", j, err)
		}
	}
	keys := slices.DeleteFunc(stored(t, r.store), func(key string) bool { return !strings.Contains(key, "/control/") })
	if !slices.Equal(keys, []string{id.ControlKey(0)}) {
		t.Errorf("%q", keys)
	}
	_, err := r.client.Cancel(t.Context(), "no-such-job", "")
	_ = refusal(t, err, 404, api.CodeUnknownJob)
	end(t, r.store, id, 1, job.End{Verdict: job.Broken, Reason: "the agent is dead", Remedy: "mend it"})
	_, err = r.client.Cancel(t.Context(), id, "")
	if said := refusal(t, err, 409, api.CodeEnded); !strings.Contains(said.Message, "failed: the agent is dead") || said.Remedy != "mend it" {
		t.Errorf("%+v", said)
	}
}

func TestPausedJobHasTheRequestAndShowsIt(t *testing.T) {
	t.Parallel()
	as := documented(t, "Job")
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	for range 2 {
		if j, err := r.client.Pause(t.Context(), id, "a while"); err != nil || j.ID != id {
			t.Fatalf("%+v (%v)", j, err)
		}
	}
	if _, err := r.client.Resume(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	keys := slices.DeleteFunc(stored(t, r.store), func(key string) bool { return !strings.Contains(key, "/control/") })
	if !slices.Equal(keys, []string{id.ControlKey(0), id.ControlKey(1)}) {
		t.Errorf("%q", keys)
	}
	head := hint(2)
	head.Paused = &job.Pause{Reason: "a while", At: head.At}
	if err := records.Overwrite(t.Context(), r.store, id.HeadKey(), head); err != nil {
		t.Fatal(err)
	}
	j, err := r.client.Job(t.Context(), id)
	if err != nil || j.State != api.StatePaused || j.State.Ended() || j.Paused == nil || j.Paused.Reason != "a while" {
		t.Errorf("%+v (%v)", j, err)
	}
	_, body := r.call(t, "GET", "/v1/jobs/"+string(id), "")
	as.check(t, "Job", body)
	_, err = r.client.Pause(t.Context(), "no-such-job", "")
	_ = refusal(t, err, 404, api.CodeUnknownJob)
	end(t, r.store, id, 1, job.End{Verdict: job.Cancelled})
	_, err = r.client.Resume(t.Context(), id, "")
	_ = refusal(t, err, 409, api.CodeEnded)
}
