package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// feed is one stream of a job's events.
type feed struct {
	*Server
	about   summary
	next    int       // the first entry that was not told yet
	told    bool      // that the job exists
	head    *job.Head // the one told last
	to      http.ResponseWriter
	control *http.ResponseController
	spoke   time.Time // when something was written last
}

// tell tells what is new in head: the entries first, so that nobody hears of a
// step before they can know it. It returns false when the stream is over.
func (f *feed) tell(ctx context.Context, head *job.Head) bool {
	if f.told && head == f.head {
		return true
	}
	if head != nil {
		whole, on := f.entries(ctx, head)
		if !on {
			return false
		}
		if !whole {
			return true // the rest comes with the next look
		}
	}
	j := f.about.job(head)
	if !f.event(EventHead, "", j) {
		return false
	}
	f.told, f.head = true, head
	if j.State.Ended() {
		f.event(EventEnd, "", j)
		return false
	}
	return true
}

// entries tells the entries that the hint knows of. whole is false when one
// could not be read now, on when the client has left.
func (f *feed) entries(ctx context.Context, head *job.Head) (whole, on bool) {
	for f.next <= head.Entry {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		entry, err := checkpoint.ReadEntry(limited, f.config.Store, f.about.id, f.next)
		cancel()
		switch {
		case err == nil:
			if !f.event(EventEntry, fmt.Sprint(f.next), entry) {
				return false, false
			}
		case ctx.Err() != nil:
			return false, false
		case blob.Temporary(err), errors.Is(err, context.DeadlineExceeded):
			return false, true
		default:
			f.config.Logger.Error("An entry of a log cannot be read; whoever watches does not see it.", "job", string(f.about.id), "entry", f.next, "error", err)
		}
		f.next++
	}
	return true, true
}

// event writes one event; it returns false when the client has left.
func (f *feed) event(kind EventKind, id string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		f.config.Logger.Error("An event could not be encoded.", "job", string(f.about.id), "error", err)
		return false
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return f.write(fmt.Sprintf("event: %s\n%sdata: %s\n\n", kind, id, data))
}

// write sends text now.
func (f *feed) write(text string) bool {
	f.spoke = f.config.Clock.Now()
	if f.control.SetWriteDeadline(time.Now().Add(requestTimeout)) != nil {
		return false
	}
	if _, err := f.to.Write([]byte(text)); err != nil {
		return false
	}
	return f.control.Flush() == nil
}
