package dataset_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job/dataset"
)

func TestLinesKeepTheirBytesAndOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		objects := rapid.SliceOfN(rapid.MapOf(rapid.String(), rapid.Int()), 1, 20).Draw(t, "objects")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		var lines []string
		for _, o := range objects {
			line, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		file := strings.Join(lines, end)
		if rapid.Bool().Draw(t, "last line end") {
			file += end
		}
		got, err := dataset.Parse("tasks.jsonl", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Lines) != len(lines) {
			t.Fatalf("%d lines, want %d", len(got.Lines), len(lines))
		}
		for i := range lines {
			if string(got.Lines[i]) != lines[i] {
				t.Fatalf("line %d is %q, want %q", i+1, got.Lines[i], lines[i])
			}
		}
		sum := sha256.Sum256([]byte(file))
		if string(got.Digest) != hex.EncodeToString(sum[:]) {
			t.Fatalf("digest %s is not that of the file", got.Digest)
		}
	})
}

func TestBadDataSetIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want string
		kind error
	}{
		"empty file":       {"", "t: not JSON Lines: the file is empty", dataset.ErrNotJSONLines},
		"only a line end":  {"\n", "t:1: not JSON Lines: the line is empty; each line is one JSON object", dataset.ErrNotJSONLines},
		"empty line":       {"{}\n\n{}\n", "t:2: not JSON Lines: the line is empty; each line is one JSON object", dataset.ErrNotJSONLines},
		"two line ends":    {"{}\n\n", "t:2: not JSON Lines: the line is empty; each line is one JSON object", dataset.ErrNotJSONLines},
		"array":            {"{}\n[1]\n", "t:2: not JSON Lines: the line is not a JSON object, which starts with {", dataset.ErrNotJSONLines},
		"number":           {"1\n", "t:1: not JSON Lines: the line is not a JSON object, which starts with {", dataset.ErrNotJSONLines},
		"two objects":      {"{} {}\n", "t:1: not JSON Lines: invalid character '{' after top-level value", dataset.ErrNotJSONLines},
		"truncated":        {"{}\n{\"a\":1", "t:2: not JSON Lines: unexpected end of JSON input", dataset.ErrNotJSONLines},
		"not UTF-8":        {"{\"a\":\"\xff\"}", "t:1: not JSON Lines: the line is not UTF-8", dataset.ErrNotJSONLines},
		"byte order mark":  {"\ufeff{}", "t:1: not JSON Lines: the line starts with a byte order mark; save the file as plain UTF-8", dataset.ErrNotJSONLines},
		"indented object":  {"{\n\"a\":1\n}", "t:1: not JSON Lines: unexpected end of JSON input", dataset.ErrNotJSONLines},
		"line too long":    {"{}\n{\"a\":\"" + strings.Repeat("x", 1<<20) + "\"}", "t:2: data set too large: the line has 1048584 bytes (allowed: at most 1048576)", dataset.ErrTooLarge},
		"too many lines":   {strings.Repeat("{}\n", 1_000_001), "t:1000001: data set too large: more than 1000000 lines", dataset.ErrTooLarge},
		"file too large":   {strings.Repeat(" ", 64<<20+1), "t: data set too large: 67108865 bytes (allowed: at most 67108864)", dataset.ErrTooLarge},
		"nested too deep":  {"{\"a\":" + strings.Repeat("[", 20_000), "t:1: not JSON Lines: invalid character '[' exceeded max depth", dataset.ErrNotJSONLines},
		"control in a key": {"{\"\x01\":1}", "t:1: not JSON Lines: invalid character '\\x01' in string literal", dataset.ErrNotJSONLines},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dataset.Parse("t", []byte(c.file))
			if err == nil || err.Error() != c.want || !errors.Is(err, c.kind) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("{\"a\":1}\r\n{}\n"))
	f.Add([]byte("[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := dataset.Parse("t", data)
		if err != nil {
			if _, ok := errors.AsType[*dataset.LineError](err); !ok {
				t.Fatalf("error of type %T", err)
			}
			return
		}
		for i, line := range got.Lines {
			if !json.Valid(line) || line[0] != '{' || bytes.ContainsRune(line, '\n') {
				t.Fatalf("line %d is no JSON object: %q", i+1, line)
			}
		}
	})
}
