package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/cohort-rl/cohort/traces/collect"
)

// An index is stored as
//
//	offset  bytes   field
//	0       4       magic "CHTI"
//	4       1       version, 1
//	5       3       reserved, 0
//	8       32      SHA-256 of the rest
//	40              zstd of
//	        varint  length of the head
//	                head, JSON: topic, ranges, bytes, records, anchors, threads
//	                threads in the order of their ids, each
//	        varint  length of the id
//	                id
//	        varint  partitions it lies in, each
//	        varint    partition
//	        varint    offsets
//	        varint    the first, then each less the one before
//
// Varints are unsigned LEB128.
const (
	magic    = "CHTI"
	version  = 1
	fixed    = 40
	maxPlain = 1 << 30
	maxID    = 1 << 20
)

// head is what precedes the threads.
type head struct {
	Topic   string          `json:"topic"`
	Ranges  []collect.Range `json:"ranges"`
	Bytes   int64           `json:"bytes"`
	Records int64           `json:"records"`
	Anchors []Anchor        `json:"anchors"`
	Threads int             `json:"threads"`
}

// Encode is the index as it is stored.
func (x *Index) Encode() ([]byte, error) {
	text, err := json.Marshal(head{x.Topic, x.Ranges, x.Bytes, x.Records, x.Anchors, len(x.threads)})
	if err != nil {
		return nil, fmt.Errorf("encode index: %w", err)
	}
	plain := binary.AppendUvarint(nil, uint64(len(text)))
	plain = append(plain, text...)
	for _, id := range x.Threads() {
		plain = binary.AppendUvarint(plain, uint64(len(id)))
		plain = append(plain, id...)
		plain = binary.AppendUvarint(plain, uint64(len(x.threads[id])))
		for _, s := range x.threads[id] {
			plain = binary.AppendUvarint(plain, uint64(s.Partition)) //nolint:gosec // not negative
			plain = binary.AppendUvarint(plain, uint64(len(s.Offsets)))
			before := int64(0)
			for _, o := range s.Offsets {
				plain = binary.AppendUvarint(plain, uint64(o-before)) //nolint:gosec // they ascend
				before = o
			}
		}
	}
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("encode index: %d bytes, at most %d are written: index a shorter range", len(plain), maxPlain)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("encode index: %w", err)
	}
	body := make([]byte, fixed, fixed+len(plain)/2)
	copy(body, magic)
	body[4] = version
	body = encoder.EncodeAll(plain, body)
	sum := sha256.Sum256(body[fixed:])
	copy(body[8:], sum[:])
	return body, encoder.Close()
}

// Decode reads an index. Errors wrap ErrCorrupt.
func Decode(body []byte) (*Index, error) {
	if len(body) < fixed || string(body[:4]) != magic || body[4] != version || body[5]|body[6]|body[7] != 0 {
		return nil, fmt.Errorf("%w: no header of version %d", ErrCorrupt, version)
	}
	if sum := sha256.Sum256(body[fixed:]); !bytes.Equal(sum[:], body[8:fixed]) {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain))
	if err != nil {
		return nil, fmt.Errorf("decode index: %w", err)
	}
	defer decoder.Close()
	plain, err := decoder.DecodeAll(body[fixed:], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	r := reader{b: plain}
	var h head
	if err := json.Unmarshal(r.bytes(maxPlain), &h); err != nil {
		return nil, fmt.Errorf("%w: its head: %w", ErrCorrupt, err)
	}
	x := &Index{Topic: h.Topic, Ranges: h.Ranges, Bytes: h.Bytes, Records: h.Records, Anchors: h.Anchors, threads: map[string][]Stretch{}}
	for range h.Threads {
		if r.bad {
			break
		}
		id := string(r.bytes(maxID))
		all := make([]Stretch, r.count())
		for i := range all {
			all[i].Partition = int(r.number()) //nolint:gosec // bad unless it fits
			all[i].Offsets = make([]int64, r.count())
			before := int64(0)
			for o := range all[i].Offsets {
				before += int64(r.number()) //nolint:gosec // likewise
				all[i].Offsets[o] = before
			}
		}
		x.threads[id] = all
	}
	if r.bad || len(r.b) > 0 || len(x.threads) != h.Threads {
		return nil, fmt.Errorf("%w: its threads are cut off", ErrCorrupt)
	}
	return x, nil
}

// reader takes bytes apart; once something is missing it is bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<62 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count is how many things follow, of a byte at least.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n) //nolint:gosec // checked
}

func (r *reader) bytes(limit uint64) []byte {
	n := r.number()
	if n > uint64(len(r.b)) || n > limit {
		r.bad, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}
