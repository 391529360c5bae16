package sealed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
)

const format = "cohort.test.v1"

type entry struct {
	Format string             `json:"format"`
	Step   int                `json:"step"`
	Name   string             `json:"name,omitempty"`
	Parts  map[string]float64 `json:"parts,omitempty"`
}

func seal(t *testing.T, v any) []byte {
	t.Helper()
	body, err := sealed.Seal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func ExampleSeal() {
	body, err := sealed.Seal(entry{Format: format, Step: 1})
	fmt.Println(string(body), err)
	// Output: {"format":"cohort.test.v1","step":1,"sha256":"cf6881862725fc9d01fb12eb2c6460c94fc89e768668bc79930789231fc6e064"} <nil>
}

func TestSealedObjectOpensToWhatItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := entry{
			Format: format, Step: rapid.Int().Draw(t, "step"), Name: rapid.String().Draw(t, "name"),
			Parts: rapid.MapOfN(rapid.StringMatching(`[a-z<>&"]*`), rapid.Float64(), 1, 5).Draw(t, "parts"),
		}
		body, err := sealed.Seal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got entry
		if err := sealed.Open(bytes.Clone(body), format, &got); err != nil {
			t.Fatal(err)
		}
		again, err := sealed.Seal(got)
		if err != nil || !bytes.Equal(again, body) {
			t.Fatalf("sealed again: %s, %v; want %s", again, err, body)
		}
		var plain map[string]any
		if err := json.Unmarshal(body, &plain); err != nil || plain["format"] != format {
			t.Fatalf("it is no JSON object: %v", err)
		}
	})
}

func TestFlippedBitIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	body := seal(t, &entry{Format: format, Step: 12, Name: "a \"name\"", Parts: map[string]float64{"x": 1.5}})
	for i := range body {
		for bit := range 8 {
			broken := bytes.Clone(body)
			broken[i] ^= 1 << bit
			if err := sealed.Open(broken, format, new(entry)); !errors.Is(err, sealed.ErrCorrupt) {
				t.Fatalf("bit %d of byte %d: %v, want corrupt", bit, i, err)
			}
		}
	}
}

func TestCutOrGrownObjectIsCorrupt(t *testing.T) {
	t.Parallel()
	body := seal(t, entry{Format: format, Step: 12})
	for n := range body {
		if err := sealed.Open(body[:n], format, new(entry)); !errors.Is(err, sealed.ErrCorrupt) {
			t.Fatalf("its first %d bytes: %v, want corrupt", n, err)
		}
	}
	for _, grown := range [][]byte{append(bytes.Clone(body), '\n'), append([]byte(" "), body...), append(bytes.Clone(body), body...)} {
		if err := sealed.Open(grown, format, new(entry)); !errors.Is(err, sealed.ErrCorrupt) {
			t.Fatalf("%s: %v, want corrupt", grown, err)
		}
	}
}

func TestOtherFormatIsNamedAndNotDecoded(t *testing.T) {
	t.Parallel()
	body := seal(t, struct {
		Format string `json:"format"`
		Future bool   `json:"future"`
	}{"cohort.test.v2", true})
	var got entry
	err := sealed.Open(body, format, &got)
	var mismatch *sealed.FormatError
	if !errors.As(err, &mismatch) || mismatch.Got != "cohort.test.v2" || mismatch.Want != format || errors.Is(err, sealed.ErrCorrupt) {
		t.Fatalf("got %v, want both formats named and nothing called corrupt", err)
	}
	if got.Format != "" {
		t.Fatalf("it was decoded to %+v", got)
	}
}

func TestUnknownFieldIsAnError(t *testing.T) {
	t.Parallel()
	body := seal(t, struct {
		Format string `json:"format"`
		Stop   int    `json:"stop"`
	}{format, 1})
	if err := sealed.Open(body, format, new(entry)); err == nil || !strings.Contains(err.Error(), "stop") {
		t.Fatalf("got %v, want the field named", err)
	}
}

// A valid seal makes no sense of bytes that are not one object.
func TestSealedNonsenseIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		`{"format":"` + format + `","step":1}{"step":2}`, `{"format":"` + format + `","step":"one"}`, `{"format":"` + format + `",}`,
	} {
		body := content[:len(content)-1] + `,"sha256":"` + string(blob.DigestOf([]byte(content))) + `"}`
		if err := sealed.Open([]byte(body), format, new(entry)); !errors.Is(err, sealed.ErrCorrupt) {
			t.Errorf("%s: %v, want corrupt", content, err)
		}
	}
}

func TestOnlyWhatNamesItsFormatIsSealed(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		entry{Step: 1},
		struct{}{},
		7, nil,
		[]int{1},
		map[string]string{"a": "b"},
		struct {
			Step   int    `json:"step"`
			Format string `json:"format"`
		}{1, format},
		func() {},
	} {
		if body, err := sealed.Seal(v); err == nil {
			t.Errorf("%#v was sealed: %s", v, body)
		}
	}
}

func FuzzOpenNeverPanics(f *testing.F) {
	body, err := sealed.Seal(entry{Format: format, Step: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"format":"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got entry
		if err := sealed.Open(body, format, &got); err != nil {
			return
		}
		if _, err := sealed.Seal(got); err != nil {
			t.Fatalf("opened and cannot be sealed: %v", err)
		}
	})
}
