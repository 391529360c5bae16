package telemetry

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// A record batch as a broker stores it (Kafka protocol, RecordBatch, magic 2),
// after the size that a produce request has before it. Integers are big-endian.
//
//	offset  bytes  field
//	0       4      size of what follows
//	4       8      base offset, 0
//	12      4      length of what follows
//	16      4      partition leader epoch, -1
//	20      1      magic, 2
//	21      4      CRC-32C of what follows
//	25      2      attributes, 0: not compressed, times are the writer's
//	27      4      offset of the last record from the first
//	31      8      time of the first record, ms
//	39      8      greatest time of a record, ms
//	47      8      producer id, -1
//	55      2      producer epoch, -1
//	57      4      base sequence, -1
//	61      4      number of records
//	65             records
const (
	batchLength  = 12
	batchEpoch   = 16
	batchSum     = 21
	batchChecked = 25
	batchLast    = 27
	batchFirst   = 31
	batchLatest  = 39
	batchWriter  = 47
	batchCount   = 61
	batchHeader  = 65
)

// recordFraming bounds what a record has beside key, value and the headers'
// keys and values, for values below 1 MiB; a larger one has some bytes more.
const recordFraming = 48

// letterhead is what the headers of all messages of a producer have in common,
// as it is on the wire.
type letterhead struct {
	before, after []byte // the sequence
	headers       int    // how many these are, and the sequence
	size          int    // of keys and values, the widest sequence included
}

// newLetterhead makes that of an origin without trace.
func newLetterhead(o Origin) letterhead {
	head := letterhead{size: o.headerBytes()}
	into := &head.before
	for _, h := range o.headers() {
		head.headers++
		if h.Key == headerSequence {
			into = &head.after
			continue
		}
		*into = appendHeader(*into, h.Key, string(h.Value))
	}
	return head
}

// appendBatch appends the items of a batch, at least one.
func (l *letterhead) appendBatch(to []byte, items segments) []byte {
	start := len(to)
	to = append(to, make([]byte, batchHeader)...)
	first, latest, n := int64(0), int64(0), 0
	for _, part := range items {
		for i := range part {
			it := &part[i]
			at := it.milliseconds()
			if n == 0 {
				first, latest = at, at
			}
			latest = max(latest, at)
			to = l.appendRecord(to, it, at-first, int64(n))
			n++
		}
	}
	b := to[start:]
	size := uint32(len(b)) //nolint:gosec // bounded by BatchBytes or one event
	binary.BigEndian.PutUint32(b, size-4)
	binary.BigEndian.PutUint32(b[batchLength:], size-batchEpoch)
	copy(b[batchEpoch:], "\xff\xff\xff\xff\x02")
	binary.BigEndian.PutUint32(b[batchLast:], uint32(n-1)) //nolint:gosec // a count
	binary.BigEndian.PutUint64(b[batchFirst:], uint64(first))
	binary.BigEndian.PutUint64(b[batchLatest:], uint64(latest))
	copy(b[batchWriter:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	binary.BigEndian.PutUint32(b[batchCount:], uint32(n)) //nolint:gosec // a count
	binary.BigEndian.PutUint32(b[batchSum:], crc32.Checksum(b[batchChecked:], crc32.MakeTable(crc32.Castagnoli)))
	return to
}

// appendRecord appends one record: its length, no attributes, its time and its
// place from the first's, key, value, headers.
func (l *letterhead) appendRecord(to []byte, it *item, after, place int64) []byte {
	var digits [len("18446744073709551615")]byte
	sequence := strconv.AppendUint(digits[:0], it.sequence, 10)
	trace := it.trace
	if trace == nil {
		trace = &Trace{}
	}
	headers := l.headers
	size := len(l.before) + sizeHeader(len(headerSequence), len(sequence)) + len(l.after)
	for _, h := range [...]struct{ key, value string }{
		{headerTraceparent, trace.Parent}, {headerTracestate, trace.State}, {headerBaggage, trace.Baggage},
	} {
		if h.value != "" {
			headers++
			size += sizeHeader(len(h.key), len(h.value))
		}
	}
	keySize := sizeZigZag(-1)
	if it.key != "" {
		keySize = sizeZigZag(int64(len(it.key))) + len(it.key)
	}
	size += 1 + sizeZigZag(after) + sizeZigZag(place) + keySize + sizeZigZag(int64(len(it.frame))) + len(it.frame) + sizeZigZag(int64(headers))

	to = binary.AppendVarint(to, int64(size))
	to = binary.AppendVarint(append(to, 0), after)
	to = binary.AppendVarint(to, place)
	if it.key == "" {
		to = binary.AppendVarint(to, -1)
	} else {
		to = append(binary.AppendVarint(to, int64(len(it.key))), it.key...)
	}
	to = append(binary.AppendVarint(to, int64(len(it.frame))), it.frame...)
	sealFrame(to[len(to)-len(it.frame):])
	to = binary.AppendVarint(to, int64(headers))
	to = appendHeader(to, headerTraceparent, trace.Parent)
	to = appendHeader(to, headerTracestate, trace.State)
	to = appendHeader(to, headerBaggage, trace.Baggage)
	to = append(to, l.before...)
	to = appendHeader(to, headerSequence, sequence)
	return append(to, l.after...)
}

// appendHeader appends a header unless its value is empty.
func appendHeader[T string | []byte](to []byte, key string, value T) []byte {
	if len(value) == 0 {
		return to
	}
	to = append(binary.AppendVarint(to, int64(len(key))), key...)
	return append(binary.AppendVarint(to, int64(len(value))), value...)
}

func sizeHeader(key, value int) int {
	return sizeZigZag(int64(key)) + key + sizeZigZag(int64(value)) + value
}

// sizeZigZag is the size of a signed number, as Kafka and binary.AppendVarint
// write it.
func sizeZigZag(v int64) int { return protowire.SizeVarint(protowire.EncodeZigZag(v)) }
