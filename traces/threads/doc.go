// Package threads makes threads of what agents left anywhere: spans and log
// records in OTLP, frames of Cohort's own. A [Source] hands over messages, a
// [Gathering] recognises each by itself, whatever its neighbours are, and sets
// aside what it cannot read, with its place and the reason. What comes of it
// does not depend on the order of the messages, on how often each is there, or
// on how they are cut.
//
// A thread is what one agent did for one task, all its traces together. Spans
// have neither a sequence nor an end of their thread, so it is judged by their
// parents: see [State].
package threads

import (
	"context"
	"fmt"
)

// A Place is where a message is: in a file, or in a partition of a topic.
type Place struct {
	// Source is the name of the file or of the topic.
	Source string `json:"source"`
	// Partition is -1 in a file.
	Partition int `json:"partition"`
	// Offset is the message's first byte in a file, or its offset in a partition.
	Offset int64 `json:"offset"`
}

// String is the place for people.
func (p Place) String() string {
	if p.Partition < 0 {
		return fmt.Sprintf("%s at byte %d", p.Source, p.Offset)
	}
	return fmt.Sprintf("%s, partition %d, offset %d", p.Source, p.Partition, p.Offset)
}

// A Message is one message of a source. Body may be kept.
type Message struct {
	Place
	Body []byte
}

// A Sink takes what a source finds.
type Sink interface {
	// Take takes a message. An error ends the reading.
	Take(m Message) error
	// Aside takes the place of what cannot be a message, and the reason.
	Aside(at Place, reason error)
}

// A Source hands over its messages, each once, and returns when there are no
// more. What is damaged it sets aside and goes on; its error is that it cannot
// be read at all, or that of ctx or of the sink.
type Source interface {
	Read(ctx context.Context, to Sink) error
}
