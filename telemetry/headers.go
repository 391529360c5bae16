package telemetry

import (
	"encoding/hex"
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

	// Schema names the message inside a frame.
	Schema = "cohort.telemetry.v1.Event"
	// ContentType names the frame.
	ContentType = "application/vnd.cohort.frame"

	// ownHeaders is how many headers a producer writes at most.
	ownHeaders = 8
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
}

// headers lists the headers in their order on the wire; empty ones are left out.
func (o Origin) headers() []Header {
	all := []Header{
		{headerTraceparent, []byte(o.Trace.Parent)},
		{headerTracestate, []byte(o.Trace.State)},
		{headerBaggage, []byte(o.Trace.Baggage)},
		{headerTenant, []byte(o.Tenant)},
		{headerSchema, []byte(o.Schema)},
		{headerProducer, []byte(o.Producer)},
		{headerSequence, strconv.AppendUint(nil, o.Sequence, 10)},
		{headerContentType, []byte(o.ContentType)},
	}
	headers := all[:0]
	for _, h := range all {
		if len(h.Value) > 0 {
			headers = append(headers, h)
		}
	}
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
	var sequence string
	fields := map[string]*string{
		headerTraceparent: &o.Trace.Parent, headerTracestate: &o.Trace.State, headerBaggage: &o.Trace.Baggage,
		headerTenant: &o.Tenant, headerSchema: &o.Schema, headerProducer: &o.Producer,
		headerSequence: &sequence, headerContentType: &o.ContentType,
	}
	for _, h := range headers {
		field, known := fields[h.Key]
		switch {
		case !known:
		case *field != "":
			return Origin{}, fmt.Errorf("%w: %s is given twice", ErrInvalidHeaders, h.Key)
		default:
			*field = string(h.Value)
		}
	}
	return o, o.check(sequence)
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
	raw, err := hex.DecodeString(instance)
	if err != nil || len(raw) != instanceBytes || hex.EncodeToString(raw) != instance {
		return fmt.Errorf("producer instance %q is not %d lower-case hexadecimal digits", instance, 2*instanceBytes)
	}
	return nil
}

// instanceBytes is the size of a producer instance's id.
const instanceBytes = 16
