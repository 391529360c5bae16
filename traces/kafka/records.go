package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/cohort-rl/cohort/traces"
)

// Where things are in a record batch of magic 2 (Kafka protocol, RecordBatch).
const (
	batchLength  = 8 // of what follows
	batchStart   = 12
	batchMagic   = 16
	batchSum     = 17 // CRC-32C of what follows
	batchChecked = 21 // begins with the attributes
	batchDelta   = 23 // offset of the last record, from the first
	batchCount   = 57
	batchHeader  = 61

	minRecord = 7 // bytes

	attributeCompression = 0x07
	attributeControl     = 0x20
)

// errBatch says that a batch of records is not what it says.
var errBatch = errors.New("corrupt batch of records")

// batches takes the records at or after an offset out of batches, without
// copying: they share the batches' memory.
type batches struct {
	partition int
	offset    int64
	records   []traces.Record
	headers   []traces.Header
	keys      []string // of the headers met last, by place
	next      int64    // offset behind the last batch that was read, 0 before
}

// read returns the records of a set, and whether it has any batch at all. Only
// what is compressed, or of a format before Kafka 0.11, is left to kafka-go.
func (b *batches) read(set []byte) (records []traces.Record, answered bool, err error) {
	if len(set) < 4 {
		return nil, false, nil
	}
	for rest := set[4:]; len(rest) > batchMagic; {
		size := int64(int32(binary.BigEndian.Uint32(rest[batchLength:]))) //nolint:gosec // two's complement
		if rest[batchMagic] != 2 {
			return b.readSlowly(set)
		}
		if batchStart+size > int64(len(rest)) {
			break // cut off by the size of the answer
		}
		if size < batchHeader-batchStart {
			err = fmt.Errorf("%w: it has %d bytes", errBatch, size)
			break
		}
		batch := rest[:batchStart+size]
		rest = rest[len(batch):]
		answered = true
		attributes := binary.BigEndian.Uint16(batch[batchChecked:])
		if attributes&attributeCompression != 0 {
			return b.readSlowly(set)
		}
		if sum := crc32.Checksum(batch[batchChecked:], crc32.MakeTable(crc32.Castagnoli)); sum != binary.BigEndian.Uint32(batch[batchSum:]) {
			err = fmt.Errorf("%w: checksum differs", errBatch)
			break
		}
		if attributes&attributeControl == 0 {
			if err = b.take(batch); err != nil {
				break
			}
		}
		b.next = behind(batch)
	}
	if len(b.records) > 0 {
		err = nil // the next fetch begins with what cannot be read
	}
	return b.records, answered, err
}

// take reads the records of one batch.
func (b *batches) take(batch []byte) error {
	base := int64(binary.BigEndian.Uint64(batch)) //nolint:gosec // two's complement
	count := int(binary.BigEndian.Uint32(batch[batchCount:]))
	r := reader{b: batch[batchHeader:]}
	for n := range count {
		one := reader{b: r.bytes()}
		one.skip(1)  // attributes
		one.varint() // time
		record := traces.Record{Partition: b.partition, Offset: base + one.varint(), Key: one.bytes(), Value: one.bytes()}
		headers := one.varint()
		if headers < 0 || headers > int64(len(one.b)) {
			one.bad = true
		}
		from := len(b.headers)
		if free := cap(b.headers) - from; !one.bad && int64(free) < headers {
			// Room for as many in each record to come; a header has two bytes at least.
			room := min(headers*int64(count-n), int64(len(one.b)+len(r.b))/2+1)
			b.headers, from = make([]traces.Header, 0, max(room, headers)), 0
		}
		for i := range int(headers) {
			if one.bad {
				break
			}
			b.headers = append(b.headers, traces.Header{Key: b.name(i, one.bytes()), Value: one.bytes()})
		}
		if r.bad || one.bad {
			return fmt.Errorf("%w: record %d of %d from offset %d", errBatch, n, count, base)
		}
		if record.Offset < b.offset {
			b.headers = b.headers[:from]
			continue
		}
		if headers > 0 {
			record.Headers = b.headers[from:len(b.headers):len(b.headers)]
		}
		if b.records == nil {
			b.records = make([]traces.Record, 0, min(count, len(batch)/minRecord))
		}
		b.records = append(b.records, record)
	}
	return nil
}

// name is a header's key. What the record before it has at the same place is
// not made again.
func (b *batches) name(place int, key []byte) string {
	if place < len(b.keys) {
		if b.keys[place] != string(key) {
			b.keys[place] = string(key)
		}
		return b.keys[place]
	}
	if place == len(b.keys) {
		b.keys = append(b.keys, string(key))
	}
	return string(key)
}

// behind is the offset behind a batch of magic 2, whatever of it is still there.
func behind(batch []byte) int64 {
	base := int64(binary.BigEndian.Uint64(batch)) //nolint:gosec // two's complement
	return base + int64(binary.BigEndian.Uint32(batch[batchDelta:])) + 1
}

// readSlowly lets kafka-go read a set, and copies the records.
func (b *batches) readSlowly(set []byte) ([]traces.Record, bool, error) {
	var decoded protocol.RecordSet
	if _, err := decoded.ReadFrom(bytes.NewReader(set)); err != nil {
		return nil, false, err
	}
	stream, ok := decoded.Records.(*protocol.RecordStream)
	if !ok || len(stream.Records) == 0 {
		return nil, false, nil
	}
	records, err := readAll(stream, b.partition, b.offset, len(set))
	if err != nil {
		return records, true, err
	}
	for rest := set[4:]; len(rest) >= batchHeader && rest[batchMagic] == 2; {
		size := batchStart + int64(int32(binary.BigEndian.Uint32(rest[batchLength:]))) //nolint:gosec // two's complement
		if size < batchHeader || size > int64(len(rest)) {
			break
		}
		b.next = behind(rest)
		rest = rest[size:]
	}
	return records, true, nil
}
