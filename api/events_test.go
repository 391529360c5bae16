package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
)

// watch collects what Watch tells, in short: "entry 0", "running 0", "end done",
// "lost". hear is called with each.
func (r *rig) watch(tb testing.TB, id job.ID, from int, hear func(string) error) error {
	tb.Helper()
	return r.client.Watch(tb.Context(), id, from, func(e api.Event) error {
		switch e.Kind {
		case api.EventEntry:
			return hear(fmt.Sprint("entry ", e.Entry.N))
		case api.EventHead:
			return hear(fmt.Sprint(e.Job.State, " ", e.Job.Step))
		case api.EventEnd:
			return hear(fmt.Sprint("end ", e.Job.State))
		case api.EventLost:
			return hear("lost")
		}
		return fmt.Errorf("event of kind %q", e.Kind)
	})
}

func TestWatcherHearsEachEntryOnceAndThenTheEnd(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	var heard []string
	err := r.watch(t, id, 0, func(what string) error {
		heard = append(heard, what)
		switch what { // the driver goes on once the last thing was heard
		case "pending 0":
			step(t, r.store, id, 0)
		case "running 0":
			step(t, r.store, id, 1)
		case "running 1":
			step(t, r.store, id, 2)
			step(t, r.store, id, 3)
		case "running 3":
			end(t, r.store, id, 4, job.End{Verdict: job.Done})
		}
		return nil
	})
	want := []string{
		"pending 0", "entry 0", "running 0", "entry 1", "running 1",
		"entry 2", "entry 3", "running 3", "entry 4", "done 3", "end done",
	}
	if heard = slices.DeleteFunc(heard, func(s string) bool { return s == "running 2" }); err != nil || !slices.Equal(heard, want) {
		t.Errorf("%v: %q, expected %q", err, heard, want)
	}
}

func TestEndedJobIsToldFromAnyEntry(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	for n := range 4 {
		step(t, r.store, id, n)
	}
	end(t, r.store, id, 4, job.End{Verdict: job.Cancelled})
	for from := range 7 {
		var want []string
		for n := from; n <= 4; n++ {
			want = append(want, fmt.Sprint("entry ", n))
		}
		want = append(want, "cancelled 3", "end cancelled")
		var heard []string
		err := r.watch(t, id, from, func(what string) error { heard = append(heard, what); return nil })
		if err != nil || !slices.Equal(heard, want) {
			t.Errorf("from %d: %v: %q, expected %q", from, err, heard, want)
		}
	}
}

// A client that was cut off says what it heard last, as browsers do.
func TestLastEventIDContinuesTheStream(t *testing.T) {
	t.Parallel()
	as := documented(t, "Job", "Entry")
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	for n := range 3 {
		step(t, r.store, id, n)
	}
	end(t, r.store, id, 3, job.End{Verdict: job.Done})
	status, body := r.call(t, http.MethodGet, "/v1/jobs/"+string(id)+"/events?from=0", "", "Last-Event-ID", "1")
	if status != 200 || strings.Contains(body, "id: 1\n") || !strings.HasPrefix(body, "event: entry\nid: 2\ndata: {") || strings.Count(body, "event: ") != 4 {
		t.Errorf("%d %s", status, body)
	}
	for block := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		_, data, _ := strings.Cut(block, "data: ")
		name := "Job"
		if strings.HasPrefix(block, "event: entry") {
			name = "Entry"
		}
		as.check(t, name, data)
	}
}

func TestUnreadableEntryDoesNotStopTheStream(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	for n := range 3 {
		step(t, r.store, id, n)
	}
	end(t, r.store, id, 3, job.End{Verdict: job.Done})
	if _, err := r.store.Put(t.Context(), id.LogKey(1), []byte("garbage"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	var heard []string
	err := r.watch(t, id, 0, func(what string) error { heard = append(heard, what); return nil })
	if want := []string{"entry 0", "entry 2", "entry 3", "done 2", "end done"}; err != nil || !slices.Equal(heard, want) {
		t.Errorf("%v: %q, expected %q", err, heard, want)
	}
}

func TestWatcherConnectsAgainWhereItWas(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	step(t, r.store, id, 0)
	step(t, r.store, id, 1)
	address := strings.TrimPrefix(r.url, "http://")
	var heard []string
	lost := 0
	err := r.watch(t, id, 0, func(what string) error {
		if what == "lost" {
			if lost++; lost == 2 { // the first time, it connects in vain
				r.listen(t, address)
			}
			return nil
		}
		heard = append(heard, what)
		switch {
		case what == "running 1" && lost == 0:
			r.stop()
		case what == "running 1":
			step(t, r.store, id, 2)
			end(t, r.store, id, 3, job.End{Verdict: job.Done})
		}
		return nil
	})
	heard = slices.DeleteFunc(heard, func(s string) bool { return s == "running 2" })
	want := []string{"entry 0", "entry 1", "running 1", "running 1", "entry 2", "entry 3", "done 2", "end done"}
	if err != nil || lost != 2 || !slices.Equal(heard, want) {
		t.Errorf("%v: lost %d times, %q, expected %q", err, lost, heard, want)
	}
}

func TestWatchingEndsWithContextAndHandler(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	enough := errors.New("enough")
	if err := r.watch(t, id, 0, func(string) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := r.client.Watch(ctx, id, 0, func(api.Event) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	err = r.watch(t, "no-such-job", 0, func(string) error { return nil })
	_ = refusal(t, err, 404, api.CodeUnknownJob)
}

// A stream must not hold up the server's end.
func TestServerEndsItsStreams(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/jobs/"+string(id)+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.client.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || lines.Text() != "event: head" {
		t.Fatalf("%q (%v)", lines.Text(), lines.Err())
	}
	r.stop()
	for lines.Scan() {
		continue
	}
	if lines.Err() != nil {
		t.Errorf("the stream was cut off: %v", lines.Err())
	}
}
