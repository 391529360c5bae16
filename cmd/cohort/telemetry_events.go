package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/nearest"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// tail prints the events that its flags choose.
type tail struct {
	json, color bool
	thread      string // what ids begin with
	kinds       []string
	codec       *telemetry.Codec

	mu    sync.Mutex // guards what follows
	out   io.Writer
	width int // of the longest thread so far
}

// kindUnreadable is what records are that hold no event.
const kindUnreadable = "unreadable"

// checkKind refuses a word that is no kind, and names the nearest that are.
func checkKind(word string) error {
	kinds := append(telemetry.Kinds(), kindUnreadable)
	if slices.Contains(kinds, word) {
		return nil
	}
	short := strings.ToLower(word[:min(len(word), 64)])
	distances := map[string]int{}
	for _, k := range kinds {
		distances[k] = nearest.Distance(short, k)
	}
	least := slices.SortedStableFunc(slices.Values(kinds), func(a, b string) int { return distances[a] - distances[b] })
	if distances[least[0]] > max(len(short)/2, 1) {
		return fmt.Errorf("there is no such kind: there are %s", strings.Join(kinds, ", "))
	}
	near := slices.DeleteFunc(least, func(k string) bool { return distances[k] > distances[least[0]] })
	return fmt.Errorf("there is no such kind: the nearest is %s", strings.Join(near, " or "))
}

// take returns what prints the records of a topic: a write for each call.
func (t *tail) take(topic string) func([]traces.Record) error {
	return func(records []traces.Record) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		var text bytes.Buffer
		for i := range records {
			e, err := t.codec.Decode(records[i].Value)
			kind, summary := e.Kind(), e.Summary()
			if err != nil {
				kind, summary = kindUnreadable, err.Error()
			}
			if !strings.HasPrefix(e.Thread, t.thread) || (len(t.kinds) > 0 && !slices.Contains(t.kinds, kind)) {
				continue
			}
			if !t.json {
				t.line(&text, e, kind, summary, records[i])
				continue
			}
			if err := t.object(&text, topic, e, kind, summary, records[i]); err != nil {
				return err
			}
		}
		_, err := t.out.Write(text.Bytes())
		return err
	}
}

// line writes an event for people.
func (t *tail) line(to *bytes.Buffer, e telemetry.Event, kind, summary string, r traces.Record) {
	when, thread, index := strings.Repeat(" ", len(time.TimeOnly)+4), shortThread(e.Thread), ""
	if !e.Time.IsZero() {
		when = e.Time.Local().Format("15:04:05.000")
	}
	if thread == "" {
		thread = fmt.Sprintf("partition %d, offset %d", r.Partition, r.Offset)
	} else {
		index = fmt.Sprint(e.Index)
	}
	t.width = max(t.width, len(thread))
	kind = fmt.Sprintf("%-10s", kind)
	if t.color {
		kind, when = colored(strings.TrimSpace(kind), kind), colored("", when)
	}
	fmt.Fprintf(to, "%s  %-*s %4s  %s  %s\n", when, t.width, thread, index, kind, summary)
}

// colored is a text in the color of a kind, as terminals have it.
func colored(kind, text string) string {
	code := "2" // faint
	switch kind {
	case "error", kindUnreadable, "tombstone":
		code = "1;31"
	case "reward":
		code = "32"
	case "decision", "model_call":
		code = "36"
	case "tool_call", "node", "state":
		code = "33"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// shortThread is a thread's id with its nonce cut, which --thread still finds.
func shortThread(id string) string {
	id = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, id)
	if at := strings.LastIndexByte(id, '/'); at >= 0 && len(id)-at > 9 {
		return id[:at+7]
	}
	return id
}

// object writes an event for programs.
func (t *tail) object(to *bytes.Buffer, topic string, e telemetry.Event, kind, summary string, r traces.Record) error {
	o := struct {
		Topic     string `json:"topic"`
		Partition int    `json:"partition"`
		Offset    int64  `json:"offset"`
		eventJSON
	}{topic, r.Partition, r.Offset, eventOfJSON(e)}
	o.Kind, o.Summary = kind, summary
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(o)
}

// eventJSON is an event as JSON prints it.
type eventJSON struct {
	Kind       string            `json:"kind"`
	Thread     string            `json:"thread,omitempty"`
	Index      uint64            `json:"index"`
	Time       *time.Time        `json:"time,omitempty"`
	Name       string            `json:"name,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Summary    string            `json:"summary"`
	Body       any               `json:"body,omitempty"`
}

func eventOfJSON(e telemetry.Event) eventJSON {
	o := eventJSON{Kind: e.Kind(), Thread: e.Thread, Index: e.Index, Name: e.Name, Summary: e.Summary()}
	if !e.Time.IsZero() {
		o.Time = &e.Time
	}
	for _, a := range e.Attributes {
		if o.Attributes == nil {
			o.Attributes = map[string]string{}
		}
		o.Attributes[a.Key] = a.Value
	}
	if e.Body != nil {
		o.Body = plainBody(e.Body)
	}
	return o
}
