package telemetry_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cohort-rl/cohort/telemetry"
)

// streamed is a zstd frame that does not say how much it holds, written in
// pieces of the given size.
func streamed(t *testing.T, content []byte, piece int, options ...zstd.EOption) []byte {
	t.Helper()
	var out writerTo
	w, err := zstd.NewWriter(&out, append(options, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	for len(content) > 0 {
		n := min(piece, len(content))
		if _, err := w.Write(content[:n]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		content = content[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// sized is a zstd frame that says how much it holds.
func sized(t *testing.T, content []byte, options ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(content, nil)
}

// repeats is a frame of so many blocks of 128 KiB, each of one byte repeated,
// which says that it holds claim bytes.
func repeats(blocks int, claim uint64) []byte {
	frame := binary.LittleEndian.AppendUint64([]byte{0x28, 0xb5, 0x2f, 0xfd, 3<<6 | 1<<5}, claim)
	for i := range blocks {
		head := uint32(128<<10)<<3 | 1<<1
		if i == blocks-1 {
			head |= 1
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 'x')
	}
	return frame
}

// T5: whatever a frame says of its size, decoding it takes less than twice the
// limit, all that is allocated on the way counted, which no heap can exceed.
//
//nolint:paralleltest // measures the memory of the process
func TestFrameThatLiesCostsLessThanTwiceTheLimit(t *testing.T) {
	const limit = 4 << 20
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes = limit, limit+20
	codec := newCodec(t, limits, telemetry.None)
	zeros, noise := make([]byte, 2*limit), make([]byte, limit)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(noise)
	lie := sized(t, zeros)
	var head zstd.Header
	if err := head.Decode(lie); err != nil || head.FrameContentSize != uint64(len(zeros)) {
		t.Fatal(head, err)
	}
	binary.LittleEndian.PutUint32(lie[head.HeaderSize-4:], limit)
	for name, c := range map[string]struct {
		body  []byte
		claim int
	}{
		"a stream of more":                   {streamed(t, zeros, 1<<20), limit},
		"a stream of one byte more":          {streamed(t, zeros[:limit+1], 1<<20), limit},
		"a stream of less":                   {streamed(t, zeros[:limit-1], 1<<20), limit},
		"a frame of another size":            {sized(t, zeros), limit},
		"a frame that lies of its own size":  {lie, limit},
		"blocks of one byte":                 {repeats(3*limit>>17, limit), limit},
		"two frames":                         {append(sized(t, zeros[:limit]), sized(t, zeros[:limit])...), limit},
		"a frame, then a stream":             {append(sized(t, zeros[:limit]), streamed(t, zeros, 1<<20)...), limit},
		"a stream, then a frame":             {append(streamed(t, zeros[:limit/2], 1<<20), sized(t, zeros[:limit])...), limit},
		"a stream that did not shrink":       {streamed(t, noise[:limit-1000], 1<<20), limit},
		"half a stream that did not shrink":  {streamed(t, noise[:limit/2+1], 1<<20), limit / 2},
		"two thirds that did not shrink":     {streamed(t, noise[:limit*2/3], 1<<20), limit*2/3 - 1},
		"a stream of more than a small size": {streamed(t, zeros, 1<<20), limit / 3},
	} {
		frame := rawFrame(1, 1, uint32(c.claim), uint32(len(c.body)), c.body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := codec.Decode(frame)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %.2f times the limit: %v", name, float64(used)/limit, err)
		if _, tooLarge := errors.AsType[*telemetry.PayloadTooLarge](err); !tooLarge && !errors.Is(err, telemetry.ErrCorruptFrame) {
			t.Errorf("%s: decode says %v", name, err)
		}
		if used >= 2*limit {
			t.Errorf("%s: decoding allocated %d bytes, limit is %d", name, used, limit)
		}
	}
}

// A body may be any one zstd frame: with or without its size and a checksum, in
// however many blocks, with a window larger than the event.
func TestEveryKindOfZstdFrameIsRead(t *testing.T) {
	t.Parallel()
	limits := telemetry.DefaultLimits()
	codec := newCodec(t, limits, telemetry.None)
	for _, size := range []int{1, 300, 5_000, 300_000} {
		want := sampleEvents()[3]
		output := make([]byte, size)
		source := rand.NewChaCha8([32]byte{1})
		_, _ = source.Read(output[:size/3])
		want.Body = telemetry.ToolCall{Tool: "t", Output: output}
		plain, err := codec.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		plain = plain[20:]
		for name, body := range map[string][]byte{
			"whole":             sized(t, plain),
			"whole, no sum":     sized(t, plain, zstd.WithEncoderCRC(false)),
			"whole, best":       sized(t, plain, zstd.WithEncoderLevel(zstd.SpeedBestCompression)),
			"stream":            streamed(t, plain, 1<<20),
			"stream, no sum":    streamed(t, plain, 1<<20, zstd.WithEncoderCRC(false)),
			"stream in pieces":  streamed(t, plain, 1+size/50),
			"stream, no window": streamed(t, plain, 1<<20, zstd.WithWindowSize(zstd.MinWindowSize)),
		} {
			frame := rawFrame(1, 1, uint32(len(plain)), uint32(len(body)), body)
			if got, err := codec.Decode(frame); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %d bytes: %v", name, len(plain), fmt.Sprint(err))
			}
		}
	}
}
