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
	return (&HeaderReader{Limits: limits}).Read(headers)
}

// HeaderReader reads the headers of many messages. Texts that a message has in
// common with the one before it are not made again. It is not safe for
// concurrent use.
type HeaderReader struct {
	Limits Limits

	last Origin
}

// Read is ParseHeaders.
func (r *HeaderReader) Read(headers []Header) (Origin, error) {
	limits := &r.Limits
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
	var sequence, replayed []byte
	for _, h := range headers {
		var field, before *string
		switch h.Key {
		case headerTraceparent:
			field, before = &o.Trace.Parent, &r.last.Trace.Parent
		case headerTracestate:
			field, before = &o.Trace.State, &r.last.Trace.State
		case headerBaggage:
			field, before = &o.Trace.Baggage, &r.last.Trace.Baggage
		case headerTenant:
			field, before = &o.Tenant, &r.last.Tenant
		case headerSchema:
			field, before = &o.Schema, &r.last.Schema
		case headerProducer:
			field, before = &o.Producer, &r.last.Producer
		case headerSequence:
			if len(sequence) > 0 {
				return Origin{}, fmt.Errorf("%w: %s is given twice", ErrInvalidHeaders, h.Key)
			}
			sequence = h.Value
			continue
		case headerContentType:
			field, before = &o.ContentType, &r.last.ContentType
		case headerReplayed:
			if len(replayed) > 0 {
				return Origin{}, fmt.Errorf("%w: %s is given twice", ErrInvalidHeaders, h.Key)
			}
			replayed = h.Value
			continue
		default:
			continue
		}
		if *field != "" {
			return Origin{}, fmt.Errorf("%w: %s is given twice", ErrInvalidHeaders, h.Key)
		}
		if *before != string(h.Value) {
			*before = string(h.Value)
		}
		*field = *before
	}
	if o.Replayed = len(replayed) > 0; o.Replayed && string(replayed) != "1" {
		return Origin{}, fmt.Errorf("%w: %s is %q, want 1", ErrInvalidHeaders, headerReplayed, replayed)
	}
	return o, o.check(sequence)
}

// check verifies what was parsed and sets the sequence.
func (o *Origin) check(sequence []byte) error {
	if o.Schema != "" && o.Schema != Schema {
		return fmt.Errorf("%w: schema is %q, want %q", ErrInvalidHeaders, o.Schema, Schema)
	}
	if o.ContentType != "" && o.ContentType != ContentType {
		return fmt.Errorf("%w: content type is %q, want %q", ErrInvalidHeaders, o.ContentType, ContentType)
	}
	if (o.Producer == "") != (len(sequence) == 0) {
		return fmt.Errorf("%w: producer and sequence come together", ErrInvalidHeaders)
	}
	if o.Producer == "" {
		return nil
	}
	if err := checkInstance(o.Producer); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidHeaders, err)
	}
	var err error
	if o.Sequence, err = strconv.ParseUint(string(sequence), 10, 64); err != nil {
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
