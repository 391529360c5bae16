package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// traceTail prints what messages of any format hold, as they come.
type traceTail struct {
	*tail
	reader *convention.Reader
	names  []string // of the attributes that name a thread
	limits otlp.Limits
}

// spanLine is a span, a log record, or what cannot be read, as JSON prints it.
type spanLine struct {
	Topic     string               `json:"topic"`
	Partition int                  `json:"partition"`
	Offset    int64                `json:"offset"`
	Kind      string               `json:"kind"`
	Thread    string               `json:"thread,omitempty"`
	Trace     string               `json:"trace,omitempty"`
	Span      string               `json:"span,omitempty"`
	Parent    string               `json:"parent,omitempty"`
	Name      string               `json:"name,omitempty"`
	Start     time.Time            `json:"start,omitzero"`
	End       time.Time            `json:"end,omitzero"`
	Call      *convention.Call     `json:"call,omitempty"`
	Tool      *convention.ToolCall `json:"tool,omitempty"`
	Decision  *convention.Decision `json:"decision,omitempty"`
	Rewards   []convention.Reward  `json:"rewards,omitempty"`
	Failure   *convention.Failure  `json:"error,omitempty"`
	Reason    string               `json:"reason,omitempty"`
}

// take returns what prints the records of a topic: a write for each call.
func (t *traceTail) take(topic string) func([]traces.Record) error {
	frames := t.tail.take(topic)
	return func(records []traces.Record) error {
		for len(records) > 0 {
			n := 0
			for n < len(records) && telemetry.IsFrame(records[n].Value) {
				n++
			}
			if n > 0 {
				if err := frames(records[:n]); err != nil {
					return err
				}
				records = records[n:]
				continue
			}
			if err := t.message(topic, records[0]); err != nil {
				return err
			}
			records = records[1:]
		}
		return nil
	}
}

// message prints what a message in OTLP holds.
func (t *traceTail) message(topic string, r traces.Record) error {
	at := spanLine{Topic: topic, Partition: r.Partition, Offset: r.Offset}
	request, err := otlp.Decode(r.Value, t.limits)
	var lines []spanLine
	if err != nil {
		lines = append(lines, unreadable(at, err))
	}
	for _, err := range request.Refused {
		lines = append(lines, unreadable(at, err))
	}
	for i := range request.Spans {
		lines = append(lines, t.span(at, request.Spans[i]))
	}
	for i := range request.Logs {
		lines = append(lines, t.log(at, &request.Logs[i]))
	}
	var text bytes.Buffer
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range lines {
		if !strings.HasPrefix(l.Thread, t.thread) && !strings.HasPrefix(l.Trace, t.thread) {
			continue
		}
		if !t.json {
			t.text(&text, l)
			continue
		}
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	_, err = t.out.Write(text.Bytes())
	return err
}

func unreadable(at spanLine, reason error) spanLine {
	at.Kind, at.Reason = kindUnreadable, printable(reason.Error())
	return at
}

func (t *traceTail) span(at spanLine, s otlp.Span) spanLine {
	read := t.reader.Read(s, nil)
	at.Kind, at.Name = strings.ReplaceAll(read.Kind.String(), " ", "_"), read.Name
	at.Trace, at.Span, at.Start, at.End = s.Trace.String(), s.ID.String(), s.Start, s.End
	if s.Parent != (otlp.SpanID{}) {
		at.Parent = s.Parent.String()
	}
	if at.Thread, _ = convention.Identify(s, t.names); at.Thread == "" {
		at.Thread = at.Trace
	}
	at.Call, at.Tool, at.Decision, at.Rewards, at.Failure = read.Call, read.Tool, read.Decision, read.Rewards, read.Failure
	return at
}

func (*traceTail) log(at spanLine, l *otlp.Log) spanLine {
	at.Kind, at.Name, at.Start = "log", l.Name, l.Time
	if l.Trace != (otlp.TraceID{}) {
		at.Trace, at.Thread = l.Trace.String(), l.Trace.String()
	}
	if l.Span != (otlp.SpanID{}) {
		at.Span = l.Span.String()
	}
	return at
}

// maxTail is how much of a text a line shows.
const maxTail = 80

// text writes a line for people. mu is held.
func (t *traceTail) text(to *bytes.Buffer, l spanLine) {
	when, thread := strings.Repeat(" ", len(time.TimeOnly)+4), shortThread(l.Thread)
	if !l.Start.IsZero() {
		when = l.Start.Local().Format("15:04:05.000")
	}
	if thread == "" {
		thread = fmt.Sprintf("partition %d, offset %d", l.Partition, l.Offset)
	}
	thread = abridge(thread, 32)
	t.width = max(t.width, utf8.RuneCountInString(thread))
	kind, code := fmt.Sprintf("%-10s", l.Kind), l.Kind
	if t.color {
		if l.Failure != nil {
			code = "error"
		}
		kind, when = colored(code, kind), colored("", when)
	}
	fmt.Fprintf(to, "%s  %-*s      %s  %s\n", when, t.width, thread, kind, l.summary())
}

// summary is what a line says of a span.
func (l spanLine) summary() string {
	words := []string{abridge(l.Name, maxTail)}
	if l.Reason != "" {
		words = []string{abridge(l.Reason, 2*maxTail)}
	}
	switch {
	case l.Call != nil:
		if known := facts(l.Call); known != "" {
			words = append(words, known)
		}
		if n := len(l.Call.Output); n > 0 {
			words = append(words, spoken(l.Call.Output[n-1]))
		}
	case l.Tool != nil:
		did := abridge(l.Tool.Arguments, maxTail)
		if l.Tool.Result != "" {
			did += " → " + abridge(l.Tool.Result, maxTail)
		}
		words = append(words, did)
	case l.Decision != nil:
		words = append(words, decisionLine(l.Decision))
	}
	if !l.End.IsZero() {
		words = append(words, took(l.End.Sub(l.Start)))
	}
	for _, r := range l.Rewards {
		words = append(words, fmt.Sprintf("reward %.4g", r.Value))
	}
	if l.Failure != nil {
		words = append(words, "error "+abridge(l.Failure.String(), maxTail))
	}
	return strings.Join(words, ", ")
}

// spoken is a message in few words.
func spoken(m convention.Message) string {
	if len(m.Calls) > 0 {
		return fmt.Sprintf("calls %s %s", abridge(m.Calls[0].Name, maxTail), abridge(m.Calls[0].Arguments, maxTail))
	}
	return fmt.Sprintf("%q", abridge(m.Text, maxTail))
}
