package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// Bounds of the pause before a client connects again.
const (
	firstPause = 250 * time.Millisecond
	mostPause  = 5 * time.Second
)

// Watch calls handle with each entry of the job's log from number from on, in
// order, each once, and with the job whenever it changes. It returns nil after
// EventEnd, and handle's error when it has one. When the connection breaks it
// says so with EventLost and connects again until ctx ends; only the first
// connection must succeed.
func (c *Client) Watch(ctx context.Context, id job.ID, from int, handle func(Event) error) error {
	pause := firstPause
	for connected := false; ; {
		s := &stream{next: from, handle: handle}
		err := s.follow(ctx, c, id)
		if s.ended || s.refused != nil {
			return s.refused
		}
		if s.connected {
			connected, from, pause = true, s.next, firstPause
		}
		var said *Error
		if ctx.Err() != nil || !connected || errors.As(err, &said) && !said.Temporary() {
			return err
		}
		if err := handle(Event{Kind: EventLost, Err: err}); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = min(2*pause, mostPause)
	}
}

// stream is one connection to a job's events.
type stream struct {
	next      int // the first entry that was not handled yet
	handle    func(Event) error
	connected bool
	ended     bool  // EventEnd was handled
	refused   error // what handle returned
}

// errSilent says that not even a heartbeat came.
var errSilent = errors.New("the server has fallen silent")

// follow handles what comes until the connection ends.
func (s *stream) follow(ctx context.Context, c *Client, id job.ID) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	query := url.Values{"from": {strconv.Itoa(s.next)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url(query, "jobs", string(id), "events").String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", "text/event-stream")
	quiet := time.AfterFunc(silence, func() { cancel(&Unreachable{Server: c.base.String(), Err: errSilent}) })
	defer quiet.Stop()
	response, err := c.send(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	s.connected = true
	err = readEvents(response.Body, func(kind string, data []byte) error {
		quiet.Reset(silence)
		return s.take(kind, data)
	})
	if s.ended || s.refused != nil {
		return nil
	}
	return c.broken(ctx, err)
}

// errOver stops the reading of a stream that has nothing more to say.
var errOver = errors.New("the stream is over")

// take handles one event; an empty kind is a heartbeat.
func (s *stream) take(kind string, data []byte) error {
	event := Event{Kind: EventKind(kind)}
	var err error
	switch event.Kind {
	case EventEntry:
		event.Entry = new(job.Entry)
		err = json.Unmarshal(data, event.Entry)
		if err == nil && event.Entry.N < s.next {
			return nil
		}
	case EventHead, EventEnd:
		event.Job = new(Job)
		err = json.NewDecoder(bytes.NewReader(data)).Decode(event.Job)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("read event %s: %w", event.Kind, err)
	}
	if s.refused = s.handle(event); s.refused != nil {
		return errOver
	}
	if event.Entry != nil {
		s.next = event.Entry.N + 1
	}
	if s.ended = event.Kind == EventEnd; s.ended {
		return errOver
	}
	return nil
}
