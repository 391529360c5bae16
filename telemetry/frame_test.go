package telemetry_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cohort-rl/cohort/telemetry"
)

// rawFrame builds a frame from docs/formats.md rather than from the codec.
func rawFrame(version, compression byte, size, length uint32, body []byte) []byte {
	frame := append([]byte("CHRT"), version, compression, 0, 0)
	frame = binary.LittleEndian.AppendUint32(frame, size)
	frame = binary.LittleEndian.AppendUint32(frame, length)
	sum := crc32.Checksum(append(frame[:16:16], body...), crc32.MakeTable(crc32.Castagnoli))
	return append(binary.LittleEndian.AppendUint32(frame, sum), body...)
}

func TestUnknownFramesAreErrors(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	end := []byte{0x0a, 1, 't', 0xb2, 1, 2, 0x08, 1} // thread "t", end of 1 event
	n := uint32(len(end))
	if e, err := codec.Decode(rawFrame(1, 0, n, n, end)); err != nil || e.Body != (telemetry.End{Events: 1}) {
		t.Fatalf("decode a frame made by hand: %+v, %v", e, err)
	}
	reserved := rawFrame(1, 0, n, n, end)
	reserved[6] = 1
	future := []byte{0x0a, 1, 't', 0xf2, 3, 0} // field 62, a body of a later version
	for name, c := range map[string]struct {
		frame []byte
		want  error
	}{
		"empty":               {nil, telemetry.ErrNotFrame},
		"JSON":                {[]byte(`{"thread":"t"}`), telemetry.ErrNotFrame},
		"magic alone":         {[]byte("CHRT"), telemetry.ErrCorruptFrame},
		"version":             {rawFrame(2, 0, n, n, end), telemetry.ErrUnknownVersion},
		"reserved":            {reserved, telemetry.ErrUnknownVersion},
		"compression":         {rawFrame(1, 2, n, n, end), telemetry.ErrUnknownCompression},
		"truncated":           {rawFrame(1, 0, n, n, end)[:25], telemetry.ErrCorruptFrame},
		"bytes after the end": {append(rawFrame(1, 0, n, n, end), 0), telemetry.ErrCorruptFrame},
		"size differs":        {rawFrame(1, 0, n+1, n, end), telemetry.ErrCorruptFrame},
		"not zstd":            {rawFrame(1, 1, n, n, end), telemetry.ErrCorruptFrame},
		"no body":             {rawFrame(1, 0, 3, 3, end[:3]), telemetry.ErrUnknownBody},
		"two bodies":          {rawFrame(1, 0, n+5, n+5, append(end[:n:n], end[3:]...)), telemetry.ErrUnknownBody},
		"body of the future":  {rawFrame(1, 0, 6, 6, future), telemetry.ErrUnknownBody},
		"not protobuf":        {rawFrame(1, 0, 2, 2, []byte{0xff, 0xff}), telemetry.ErrInvalidEvent},
	} {
		if _, err := codec.Decode(c.frame); !errors.Is(err, c.want) {
			t.Errorf("%s: decode says %v, want %v", name, err, c.want)
		}
	}
}

func TestEachFlippedBitOfAFrameIsFound(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.Zstd)
	e := sampleEvents()[3]
	e.Body = telemetry.ToolCall{Input: make([]byte, 500)}
	frame, err := codec.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(frame) * 8 {
		frame[bit/8] ^= 1 << (bit % 8)
		if _, err := codec.Decode(frame); err == nil {
			t.Errorf("bit %d was flipped and nobody saw it", bit)
		}
		frame[bit/8] ^= 1 << (bit % 8)
	}
}

func zipBomb(t *testing.T, size int) []byte {
	t.Helper()
	var out writerTo
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for zeros := make([]byte, 1<<20); size > 0; size -= len(zeros) {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

type writerTo []byte

func (w *writerTo) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

func FuzzDecode(f *testing.F) {
	codec := newCodec(f, telemetry.DefaultLimits(), telemetry.Zstd)
	for _, e := range sampleEvents() {
		frame, err := codec.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Add([]byte("CHRT"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		checkDecode(t, codec, frame)
	})
}

// FuzzDecodeEvent gives the events inside a valid frame, past the checksum.
func FuzzDecodeEvent(f *testing.F) {
	codec := newCodec(f, telemetry.DefaultLimits(), telemetry.None)
	for _, e := range sampleEvents() {
		frame, err := codec.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame[20:], byte(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, compression byte) {
		n := uint32(len(body))
		checkDecode(t, codec, rawFrame(1, compression%2, n, n, body))
	})
}

// checkDecode: what decodes encodes again, to an event that is equal.
func checkDecode(t *testing.T, codec *telemetry.Codec, frame []byte) {
	t.Helper()
	checkOutline(t, codec, frame)
	e, err := codec.Decode(frame)
	if err != nil {
		return
	}
	again, err := codec.Encode(e)
	if err != nil {
		t.Fatalf("encode what was decoded: %v", err)
	}
	if _, err := codec.Decode(again); err != nil {
		t.Fatalf("decode it again: %v", err)
	}
}
