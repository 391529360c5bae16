package spill_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/telemetry/spill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(tb testing.TB, path string, change func(*spill.Config)) (*spill.File, spill.Found) {
	tb.Helper()
	config := spill.Config{Path: path, MaxBytes: 1 << 20}
	if change != nil {
		change(&config)
	}
	f, found, err := spill.Open(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f, found
}

// filled is the content of a file with records 0 to n-1, and where each ends.
func filled(tb testing.TB, n int) (content []byte, ends []int) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "spill")
	f, _ := open(tb, path, nil)
	for i := range n {
		if _, err := f.Append([][]byte{payload(i)}); err != nil {
			tb.Fatal(err)
		}
		ends = append(ends, int(f.Size()))
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content, ends
}

func payload(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i+1) }

// scan returns the numbers of a file's records.
func scan(tb testing.TB, path string) (numbers []int, found spill.Found) {
	tb.Helper()
	found, err := spill.Scan(path, func(r spill.Record) error {
		i := int(r.Payload[0])
		if !bytes.Equal(r.Payload, payload(i)) {
			tb.Errorf("record %d is %x", i, r.Payload)
		}
		numbers = append(numbers, i)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return numbers, found
}

func numbers(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// Wherever a kill stops the writer, what was whole is there, and what is
// appended next follows it.
func TestTornTailIsCutAtOpen(t *testing.T) {
	t.Parallel()
	content, ends := filled(t, 5)
	path := filepath.Join(t.TempDir(), "spill")
	for cut := range content {
		if err := os.WriteFile(path, content[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= cut {
			whole++
		}
		f, found := open(t, path, nil)
		if found.Records != whole || found.Damaged != 0 || cut >= 8 && int(found.Torn) != cut-max(8, at(ends, whole-1)) {
			t.Errorf("cut at %d: found %+v, want %d records", cut, found, whole)
		}
		if _, err := f.Append([][]byte{payload(9)}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, _ := scan(t, path); !reflect.DeepEqual(got, append(numbers(0, whole), 9)) {
			t.Errorf("cut at %d: records are %v", cut, got)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func at(ends []int, i int) int {
	if i < 0 {
		return 0
	}
	return ends[i]
}

// A flipped bit costs its own record, unless it is in a length, which costs
// what follows; it is never taken for a record.
func TestEachFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	content, ends := filled(t, 4)
	path := filepath.Join(t.TempDir(), "spill")
	for i := 8; i < len(content); i++ {
		for bit := range 8 {
			hurt := bytes.Clone(content)
			hurt[i] ^= 1 << bit
			if err := os.WriteFile(path, hurt, 0o600); err != nil {
				t.Fatal(err)
			}
			hit := 0
			for ends[hit] <= i {
				hit++
			}
			got, found := scan(t, path)
			head := i-max(8, at(ends, hit-1)) < 4
			want := append(numbers(0, hit), numbers(hit+1, 4)...)
			if head {
				want = numbers(0, hit) // and perhaps some that the wrong length leads to
				got = got[:min(len(got), hit)]
			}
			if !reflect.DeepEqual(got, want) || found.Damaged == 0 && found.Torn == 0 {
				t.Errorf("byte %d, bit %d: records are %v, found %+v", i, bit, got, found)
			}
		}
	}
	for i := range 8 {
		hurt := bytes.Clone(content)
		hurt[i] ^= 1
		if err := os.WriteFile(path, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := spill.Open(spill.Config{Path: path, MaxBytes: 1 << 20}); !errors.Is(err, spill.ErrNotSpill) {
			t.Errorf("byte %d of the header: %v", i, err)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, hurt) {
			t.Error("a file that is none of ours was changed")
		}
	}
}

func TestFileBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spill")
	f, _ := open(t, path, nil)
	if _, _, err := spill.Open(spill.Config{Path: path, MaxBytes: 1 << 20}); !errors.Is(err, spill.ErrInUse) {
		t.Errorf("a second one says %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, nil)
}

func TestDropKeepsWhatIsToBeKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spill")
	f, _ := open(t, path, nil)
	for i := range 8 {
		if _, err := f.Append([][]byte{payload(i)}); err != nil {
			t.Fatal(err)
		}
	}
	records, err := f.Read(f.Start(), 10)
	if err != nil || len(records) != 4 { // 1 + 2 + 3 + 4 bytes
		t.Fatal(len(records), err)
	}
	if err := f.Drop(records[3].End, []spill.Record{records[1], records[3]}); err != nil {
		t.Fatal(err)
	}
	if got, _ := scan(t, path); !reflect.DeepEqual(got, []int{1, 3, 4, 5, 6, 7}) {
		t.Errorf("left are %v", got)
	}
	if _, err := f.Append([][]byte{payload(8)}); err != nil {
		t.Fatal(err)
	}
	if got, found := scan(t, path); !reflect.DeepEqual(got, []int{1, 3, 4, 5, 6, 7, 8}) || found.Torn+int64(found.Damaged) != 0 {
		t.Errorf("left are %v, found %+v", got, found)
	}
	if err := f.Drop(f.Size(), nil); err != nil || !f.Empty() {
		t.Error("not empty", err)
	}
	if got, _ := scan(t, path); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

func TestCapRefusesOrForgetsTheOldest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spill")
	f, _ := open(t, path, func(c *spill.Config) { c.MaxBytes = 100 })
	kept := 0
	for ; ; kept++ {
		if _, err := f.Append([][]byte{payload(9)}); errors.Is(err, spill.ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if kept != 5 || f.Size() > 100 {
		t.Errorf("%d records in %d bytes", kept, f.Size())
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, _ = open(t, path, func(c *spill.Config) { c.MaxBytes, c.WhenFull = 100, spill.OldestOut })
	forgotten, err := f.Append([][]byte{payload(3)})
	if err != nil || len(forgotten) == 0 || !bytes.Equal(forgotten[0].Payload, payload(9)) {
		t.Fatal(forgotten, err)
	}
	got, _ := scan(t, path)
	if len(got) != kept-len(forgotten)+1 || got[len(got)-1] != 3 || f.Size() > 100 {
		t.Errorf("left are %v in %d bytes", got, f.Size())
	}
	if _, err := f.Append([][]byte{make([]byte, 200)}); !errors.Is(err, spill.ErrFull) {
		t.Errorf("what never fits: %v", err)
	}
}

func FuzzScan(f *testing.F) {
	content, _ := filled(f, 3)
	f.Add(content)
	f.Add(content[:20])
	f.Add([]byte("CHSP\x01\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "spill")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var seen [][]byte
		first, err := spill.Scan(path, func(r spill.Record) error { seen = append(seen, r.Payload); return nil })
		if err != nil {
			if !errors.Is(err, spill.ErrNotSpill) {
				t.Fatal(err)
			}
			return
		}
		// What opening leaves is what scanning saw.
		file, found := open(t, path, nil)
		if found != first {
			t.Errorf("open found %+v, scan %+v", found, first)
		}
		left, err := file.Read(file.Start(), len(content)+1)
		if err != nil || len(left) != len(seen) {
			t.Fatal(len(left), len(seen), err)
		}
		for i := range left {
			if !bytes.Equal(left[i].Payload, seen[i]) {
				t.Error("another record", fmt.Sprint(i))
			}
		}
		if _, again := reopen(t, file, path); again.Torn != 0 || again.Records != found.Records {
			t.Errorf("opened again it has %+v, before %+v", again, found)
		}
	})
}

func reopen(tb testing.TB, f *spill.File, path string) (*spill.File, spill.Found) {
	tb.Helper()
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return open(tb, path, nil)
}
