package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

const limit = 1 << 20

// file puts the length before a header and n bytes of data after it.
func file(header string, n int) []byte {
	body := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	body = append(body, header...)
	return append(body, make([]byte, n)...)
}

func write(tb testing.TB, tensors []policy.Tensor, metadata map[string]string) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := safetensors.Write(&out, tensors, metadata); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func sameTensors(a, b []policy.Tensor) bool {
	return slices.EqualFunc(a, b, func(x, y policy.Tensor) bool {
		return x.Name == y.Name && slices.Equal(x.Shape, y.Shape) &&
			slices.EqualFunc(x.Data, y.Data, func(v, w float32) bool { return math.Float32bits(v) == math.Float32bits(w) })
	})
}

func TestWrittenTensorsAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tensors []policy.Tensor
		for _, name := range rapid.SliceOfNDistinct(rapid.StringN(1, 9, 30), 0, 5, rapid.ID).Draw(t, "names") {
			shape := rapid.SliceOfN(rapid.IntRange(0, 6), 0, 3).Draw(t, "shape")
			size := 1
			for _, n := range shape {
				size *= n
			}
			bits := rapid.SliceOfN(rapid.Uint32(), size, size).Draw(t, "bits")
			data := make([]float32, size)
			for i, b := range bits {
				data[i] = math.Float32frombits(b)
			}
			tensors = append(tensors, policy.Tensor{Name: name, Shape: shape, Data: data})
		}
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		var out bytes.Buffer
		if err := safetensors.Write(&out, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		if n, err := safetensors.Size(tensors, metadata); err != nil || n != int64(out.Len()) {
			t.Fatalf("Size says %d (%v), Write wrote %d", n, err, out.Len())
		}
		got, gotMetadata, err := safetensors.Read(iotest.OneByteReader(&out), limit)
		if err != nil {
			t.Fatal(err)
		}
		if !sameTensors(got, tensors) || !maps.Equal(gotMetadata, metadata) {
			t.Fatalf("read %v %v, wrote %v %v", got, gotMetadata, tensors, metadata)
		}
	})
}

func TestLargeTensorIsReadBack(t *testing.T) {
	t.Parallel()
	data := make([]float32, 200_001)
	for i := range data {
		data[i] = float32(i)
	}
	tensors := []policy.Tensor{{Name: "a", Shape: []int{len(data)}, Data: data}}
	got, _, err := safetensors.Read(bytes.NewReader(write(t, tensors, nil)), limit)
	if err != nil || !sameTensors(got, tensors) {
		t.Fatalf("read other tensors, or %v", err)
	}
}

func TestFileHasTheDocumentedBytes(t *testing.T) {
	t.Parallel()
	got := write(t, []policy.Tensor{
		{Name: "b", Shape: []int{1, 2}, Data: []float32{1, -2}},
		{Name: "a", Data: []float32{0.5}},
	}, map[string]string{"z": "1", "k": "2"})
	header := `{"__metadata__":{"k":"2","z":"1"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},` +
		`"a":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := append(file(header, 0), 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f)
	if !bytes.Equal(got, want) {
		t.Errorf("wrote %q\nexpected %q", got, want)
	}
}

func TestForbiddenFilesAreRefused(t *testing.T) {
	t.Parallel()
	entry := func(name string, begin, end int) string {
		return fmt.Sprintf(`%q:{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}`, name, (end-begin)/4, begin, end)
	}
	for want, body := range map[string][]byte{
		"ends within the length":           {1, 2, 3},
		"header of 100000001 bytes":        binary.LittleEndian.AppendUint64(nil, safetensors.MaxHeader+1),
		"header of 18446744073709551615":   binary.LittleEndian.AppendUint64(nil, math.MaxUint64),
		"ends within the header":           file(`{}`, 0)[:9],
		"no JSON object":                   file("", 0),
		"is no JSON object":                file("[]", 0),
		"in UTF-8":                         file("{\"\xff\":1}", 0),
		"goes on after its JSON":           file("{}{}", 0),
		"unexpected EOF":                   file(`{"a":`, 0),
		`names "a" twice`:                  file("{"+entry("a", 0, 4)+","+entry("a", 4, 8)+"}", 8),
		`names "dtype" twice`:              file(`{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4),
		`names "k" twice`:                  file(`{"__metadata__":{"k":"1","k":"2"}}`, 0),
		`names "__metadata__" twice`:       file(`{"__metadata__":{},"__metadata__":{}}`, 0),
		"cannot unmarshal number":          file(`{"__metadata__":{"k":1}}`, 0),
		"begins at byte 8":                 file("{"+entry("a", 0, 4)+","+entry("b", 8, 12)+"}", 12),
		"begins at byte 4, the one before": file("{"+entry("a", 0, 8)+","+entry("b", 4, 12)+"}", 12),
		"begins at byte 4, ":               file("{"+entry("a", 4, 8)+"}", 8),
		"begins at byte -4":                file("{"+entry("a", -4, 0)+"}", 8),
		"has bytes 0 to 8":                 file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8),
		"has bytes 0 to -4":                file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,-4]}}`, 8),
		"negative dimension":               file(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 4),
		"too many elements":                file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
		"is of type":                       file(`{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`, 4),
		"unknown field":                    file(`{"a":{"dtype":"F32","Shape":[1],"data_offsets":[0,4]}}`, 4),
		"needs dtype, shape and":           file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4),
		"and two data_offsets":             file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,9]}}`, 4),
		"needs dtype, shape and two":       file(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4),
		`a tensor is named ""`:             file("{"+entry("", 0, 4)+"}", 4),
		`ends within the tensor "a"`:       file("{"+entry("a", 0, 8)+"}", 7),
		"goes on after the last tensor":    file("{"+entry("a", 0, 8)+"}", 9),
		"instead of {":                     file(`{"a":[]}`, 0),
	} {
		_, _, err := safetensors.Read(bytes.NewReader(body), limit)
		if !errors.Is(err, safetensors.ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected an error with %q", err, want)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	body := write(t, []policy.Tensor{{Name: "a", Shape: []int{3}, Data: []float32{1, 2, 3}}}, map[string]string{"k": "v"})
	for n := range body {
		if _, _, err := safetensors.Read(bytes.NewReader(body[:n]), limit); !errors.Is(err, safetensors.ErrFormat) {
			t.Errorf("the first %d of %d bytes: %v", n, len(body), err)
		}
	}
}

func TestTensorsBeyondTheLimitAreRefusedUnread(t *testing.T) {
	t.Parallel()
	body := file(`{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, 0)
	if _, _, err := safetensors.Read(bytes.NewReader(body), limit); !errors.Is(err, safetensors.ErrTooLarge) {
		t.Errorf("%v, expected %v", err, safetensors.ErrTooLarge)
	}
}

func TestPromisedBytesAreNotAllocated(t *testing.T) {
	claim := file(`{"a":{"dtype":"F32","shape":[1073741824],"data_offsets":[0,4294967296]}}`, 1000)
	long := append(binary.LittleEndian.AppendUint64(nil, safetensors.MaxHeader), '{')
	for _, body := range [][]byte{claim, long} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := safetensors.Read(bytes.NewReader(body), math.MaxInt64); !errors.Is(err, safetensors.ErrFormat) {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("a file of %d bytes made the reader allocate %d", len(body), n)
		}
	}
}

func TestErrorOfTheReaderIsKept(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection lost")
	body := write(t, []policy.Tensor{{Name: "a", Shape: []int{3}, Data: []float32{1, 2, 3}}}, nil)
	for _, n := range []int{0, 4, 20, len(body) - 2, len(body)} {
		r := io.MultiReader(bytes.NewReader(body[:n]), iotest.ErrReader(broken))
		if _, _, err := safetensors.Read(r, limit); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v, expected %v", n, err, broken)
		}
	}
}

func TestTensorsThatCannotBeReadAreNotWritten(t *testing.T) {
	t.Parallel()
	good := policy.Tensor{Name: "a", Shape: []int{1}, Data: []float32{1}}
	for name, tensors := range map[string][]policy.Tensor{
		"same name":   {good, good},
		"metadata":    {{Name: "__metadata__", Shape: []int{1}, Data: []float32{1}}},
		"not UTF-8":   {{Name: "\xff", Shape: []int{1}, Data: []float32{1}}},
		"short":       {{Name: "a", Shape: []int{2}, Data: []float32{1}}},
		"negative":    {{Name: "a", Shape: []int{-1}}},
		"overflowing": {{Name: "a", Shape: []int{math.MaxInt, math.MaxInt}}},
	} {
		var out bytes.Buffer
		if err := safetensors.Write(&out, tensors, nil); !errors.Is(err, safetensors.ErrFormat) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", name, err, out.Len())
		}
	}
}
