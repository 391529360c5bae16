package telemetry_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

// envFrames makes a test of this binary a process that decodes so many frames.
const envFrames = "COHORT_TEST_FRAMES"

// strangeLimit is the largest event of that process, large beside what the rest
// of it allocates meanwhile.
const strangeLimit = 16 << 20

// TestRandomFramesStayWithinTheLimit: whatever a frame holds, decoding it is an
// event or an error, and costs less than twice the limit of memory, garbage
// included.
func TestRandomFramesStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	frames := number("frames")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildDecodesRandomFrames$", "-test.v", "-test.timeout=0")
	cmd.Env = append(os.Environ(), envFrames+"="+fmt.Sprint(frames))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var events, refused int
	var most uint64
	_, text, _ := strings.Cut(string(out), "frames: ")
	if _, err := fmt.Sscan(text, &events, &refused, &most); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d frames: %d events, %d refused; one took %d KiB at most, limit %d", frames, events, refused, most>>10, strangeLimit>>10)
	if events+refused != frames || events == 0 || refused == 0 {
		t.Errorf("%d events and %d errors of %d frames", events, refused, frames)
	}
	if most < strangeLimit/2 || most >= 2*strangeLimit {
		t.Errorf("decoding a frame took %d bytes at most, limit is %d", most, strangeLimit)
	}
}

// TestChildDecodesRandomFrames decodes frames that are wrong in every depth.
func TestChildDecodesRandomFrames(t *testing.T) {
	t.Parallel()
	var frames int
	if _, err := fmt.Sscan(os.Getenv(envFrames), &frames); err != nil {
		t.Skip("it is run by another test, in a process of its own")
	}
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes = strangeLimit, strangeLimit+20
	s := &strange{random: rand.New(rand.NewPCG(1, 2))}
	for _, compression := range []telemetry.Compression{telemetry.None, telemetry.Zstd} {
		codec := newCodec(t, limits, compression)
		for _, e := range sampleEvents() {
			if call, ok := e.Body.(telemetry.ToolCall); ok {
				call.Output = make([]byte, 1000) // worth compressing
				e.Body = call
			}
			frame, err := codec.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			s.whole = append(s.whole, frame)
		}
	}
	codec := newCodec(t, limits, telemetry.None)
	bomb := zipBomb(t, 1<<25) // twice the limit
	s.whole = append(s.whole, rawFrame(1, 1, strangeLimit, uint32(len(bomb)), bomb))
	var events, refused int
	var most uint64
	for range frames {
		frame := s.frame()
		before := allocated()
		_, err := codec.Decode(frame)
		most = max(most, allocated()-before)
		if err != nil {
			refused++
			continue
		}
		events++
	}
	fmt.Printf("frames: %d %d %d\n", events, refused, most)
}

// allocated is how many bytes this process has allocated, those of large objects
// to the moment.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// strange makes frames.
type strange struct {
	random *rand.Rand
	whole  [][]byte
}

// frame is random altogether, or an event's with random bytes in its header, in
// its body under the right checksum, or nowhere.
func (s *strange) frame() []byte {
	if s.random.IntN(4) == 0 {
		return s.noise(s.random.IntN(200))
	}
	whole := s.whole[s.random.IntN(len(s.whole))]
	if len(whole) > 1<<10 && s.random.IntN(100) > 0 { // a bomb takes its time
		whole = s.whole[0]
	}
	frame := append([]byte(nil), whole...)
	switch s.random.IntN(4) {
	case 0:
		s.change(frame[:20])
	case 1:
		s.change(frame)
	case 2:
		body := frame[20:]
		s.change(body)
		return rawFrame(1, frame[5], s.claim(len(body)), uint32(len(body)), body)
	}
	return frame
}

func (s *strange) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.random.Uint32())
	}
	return b
}

// change replaces a few bytes.
func (s *strange) change(b []byte) {
	for range 1 + s.random.IntN(4) {
		b[s.random.IntN(len(b))] = byte(s.random.Uint32())
	}
}

// claim is a size that an event is said to have: seldom a large one.
func (s *strange) claim(size int) uint32 {
	switch s.random.IntN(1000) {
	case 0:
		return s.random.Uint32()
	case 1:
		return s.random.Uint32N(strangeLimit)
	}
	return uint32(s.random.IntN(2*size + 1))
}

// bombs are bodies of a gibibyte, by compression: as one stream, as many that
// follow each other, and as what is not compressed and only claims it.
func bombs(t *testing.T) map[string]struct {
	compression byte
	body        []byte
} {
	t.Helper()
	one, part := zipBomb(t, 1<<30), zipBomb(t, 1<<20)
	var many []byte
	for range 1 << 10 {
		many = append(many, part...)
	}
	return map[string]struct {
		compression byte
		body        []byte
	}{"one stream": {1, one}, "many streams": {1, many}, "no compression": {0, part}}
}

// A bomb of 1 GiB is refused by its claim, and by its content when it lies.
//
//nolint:paralleltest // measures the memory of the process
func TestZipBombStaysWithinTheLimit(t *testing.T) {
	limits := telemetry.DefaultLimits()
	codec := newCodec(t, limits, telemetry.None)
	for name, bomb := range bombs(t) {
		for _, claim := range []uint32{1 << 30, uint32(limits.EventBytes)} {
			frame := rawFrame(1, bomb.compression, claim, uint32(len(bomb.body)), bomb.body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := codec.Decode(frame)
			runtime.ReadMemStats(&after)
			var tooLarge *telemetry.PayloadTooLarge
			if claim == 1<<30 && (!errors.As(err, &tooLarge) || tooLarge.Size != 1<<30) {
				t.Errorf("%s: decode says %v, want PayloadTooLarge of 1 GiB", name, err)
			}
			if claim != 1<<30 && !errors.Is(err, telemetry.ErrCorruptFrame) {
				t.Errorf("%s: decode says %v, want a corrupt frame", name, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 2*uint64(limits.EventBytes) {
				t.Errorf("%s: claim of %d bytes allocated %d, limit is %d", name, claim, used, limits.EventBytes)
			}
		}
	}
}
