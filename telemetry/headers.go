package telemetry

import (
	"errors"
	"fmt"
	"strconv"
)

// Headers of a message that are Cohort's own, and what two of them say.
const (
	headerTenant      = "tenant"
	headerSchema      = "schema"
	headerProducer    = "producer"
	headerSequence    = "sequence"
	headerContentType = "content-type"
	headerReplayed    = "cohort-replayed"

	// Schema names the message inside a frame.
	Schema = "cohort.telemetry.v1.Event"
	// ContentType names the frame.
	ContentType = "application/vnd.cohort.frame"

	// ownHeaders is how many headers a producer writes at most, replays included.
	ownHeaders = 9
)

// ErrInvalidHeaders says that a message's headers contradict themselves.
var ErrInvalidHeaders = errors.New("invalid headers")

// Header is one header of a Kafka message.
type Header struct {
	Key   string
	Value []byte
}

// Origin is what a message's headers say about it.
type Origin struct {
	Trace  Trace
	Tenant string
	// Producer is the instance, 32 hexadecimal digits; empty in messages of
	// writers that do not count, such as markers. Sequence means nothing then.
	Producer string
	Sequence uint64
	Schema   string
	// ContentType is empty or ContentType in what this package reads.
	ContentType string
	// Replayed says that the message was sent again from the dead letters, under
	// the producer and the sequence of the event.
	Replayed bool
}

// headers lists the headers in their order on the wire; empty ones are left out.
// Their values share memory.
func (o Origin) headers() []Header {
	var digits [len("18446744073709551615")]byte
	sequence := strconv.AppendUint(digits[:0], o.Sequence, 10)
	all := make([]byte, 0, o.headerBytes())
	headers := make([]Header, 0, ownHeaders)
	add := func(key, value string) {
		if value == "" {
			return
		}
		from := len(all)
		all = append(all, value...)
		headers = append(headers, Header{key, all[from:len(all):len(all)]})
	}
	add(headerTraceparent, o.Trace.Parent)
	add(headerTracestate, o.Trace.State)
	add(headerBaggage, o.Trace.Baggage)
	add(headerTenant, o.Tenant)
	add(headerSchema, o.Schema)
	add(headerProducer, o.Producer)
	if o.Producer != "" {
		add(headerSequence, string(sequence))
	}
	add(headerContentType, o.ContentType)
	return headers
}

// headerBytes bounds the size of all headers: keys, values, widest sequence.
func (o Origin) headerBytes() int {
	keys := len(headerTraceparent + headerTracestate + headerBaggage + headerTenant +
		headerSchema + headerProducer + headerSequence + headerContentType)
	return keys + len(o.Trace.Parent) + len(o.Trace.State) + len(o.Trace.Baggage) + len(o.Tenant) +
		len(o.Schema) + len(o.Producer) + len("18446744073709551615") + len(o.ContentType)
}

// ParseHeaders reads the headers of a message. Unknown keys are skipped; a
// known one given twice, a sequence without producer, another schema or
// content type are ErrInvalidHeaders.
func ParseHeaders(headers []Header, limits Limits) (Origin, error) {
	if len(headers) > limits.Headers {
		return Origin{}, fmt.Errorf("%w: %d headers, allowed are %d", ErrInvalidHeaders, len(headers), limits.Headers)
	}
	total := 0
	for _, h := range headers {
		total += len(h.Key) + len(h.Value)
	}
	if err := fits("headers", total, limits.HeaderBytes); err != nil {
		return Origin{}, err
	}
	var o Origin
	var sequence, replayed string
	for _, h := range headers {
		var field *string
		switch h.Key {
		case headerTraceparent:
			field = &o.Trace.Parent
		case headerTracestate:
			field = &o.Trace.State
		case headerBaggage:
			field = &o.Trace.Baggage
		case headerTenant:
			field = &o.Tenant
		case headerSchema:
			field = &o.Schema
		case headerProducer:
			field = &o.Producer
		case headerSequence:
			field = &sequence
		case headerContentType:
			field = &o.ContentType
		case headerReplayed:
			field = &replayed
		default:
			continue
		}
		if *field != "" {
			return Origin{}, fmt.Errorf("%w: %s is given twice", ErrInvalidHeaders, h.Key)
		}
		*field = text(h.Value)
	}
	if o.Replayed = replayed != ""; o.Replayed && replayed != "1" {
		return Origin{}, fmt.Errorf("%w: %s is %q, want 1", ErrInvalidHeaders, headerReplayed, replayed)
	}
	return o, o.check(sequence)
}

// text is a header's value. What nearly every message says is not copied.
func text(value []byte) string {
	switch string(value) {
	case Schema:
		return Schema
	case ContentType:
		return ContentType
	}
	return string(value)
}

// check verifies what was parsed and sets the sequence.
func (o *Origin) check(sequence string) error {
	if o.Schema != "" && o.Schema != Schema {
		return fmt.Errorf("%w: schema is %q, want %q", ErrInvalidHeaders, o.Schema, Schema)
	}
	if o.ContentType != "" && o.ContentType != ContentType {
		return fmt.Errorf("%w: content type is %q, want %q", ErrInvalidHeaders, o.ContentType, ContentType)
	}
	if (o.Producer == "") != (sequence == "") {
		return fmt.Errorf("%w: producer and sequence come together", ErrInvalidHeaders)
	}
	if o.Producer == "" {
		return nil
	}
	if err := checkInstance(o.Producer); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidHeaders, err)
	}
	var err error
	if o.Sequence, err = strconv.ParseUint(sequence, 10, 64); err != nil {
		return fmt.Errorf("%w: sequence: %w", ErrInvalidHeaders, err)
	}
	return nil
}

// checkInstance refuses what is not 128 bits in lower-case hexadecimal.
func checkInstance(instance string) error {
	good := len(instance) == 2*instanceBytes
	for i := 0; good && i < len(instance); i++ {
		c := instance[i]
		good = '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
	}
	if !good {
		return fmt.Errorf("producer instance %q is not %d lower-case hexadecimal digits", instance, 2*instanceBytes)
	}
	return nil
}

// instanceBytes is the size of a producer instance's id.
const instanceBytes = 16
