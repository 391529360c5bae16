package checkpoint_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// encoded is the manifest of a saved checkpoint.
func encoded(tb testing.TB) []byte {
	tb.Helper()
	m := manifestOf(1)
	if _, err := checkpoint.Save(tb.Context(), mem.New(), "j", job.Folder{Step: 1}, m, stateOf(1), small, nil); err != nil {
		tb.Fatal(err)
	}
	body, _, err := m.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestManifestThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	body := string(encoded(t))
	if _, err := checkpoint.Decode([]byte(body)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"other format":      {checkpoint.ManifestFormat, "cohort.manifest/2"},
		"unknown field":     {`"step":1`, `"step":1,"stop":2`},
		"not canonical":     {`"step":1`, `"step": 1`},
		"field twice":       {`"step":1`, `"step":1,"step":1`},
		"larger shape":      {`"shape":[3,4]`, `"shape":[3,5]`},
		"negative shape":    {`"shape":[3,4]`, `"shape":[-3,-4]`},
		"overflowing shape": {`"shape":[3,4]`, `"shape":[4294967296,4294967296,3,4]`},
		"other type":        {`"dtype":"F32"`, `"dtype":"F16"`},
		"wider type":        {`"dtype":"F32"`, `"dtype":"F64"`},
		"chunk of no bytes": {`"size":24`, `"size":0`},
		"negative chunk":    {`"size":24`, `"size":-24`},
		"digest cut short":  {`"digest":"`, `"digest":"0`},
		"negative step":     {`"step":1`, `"step":-1`},
		"negative updates":  {`"updates":1`, `"updates":-1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(body, change[0], change[1], 1)
			if changed == body {
				t.Fatalf("%s is not in the manifest", change[0])
			}
			if m, err := checkpoint.Decode([]byte(changed)); !errors.Is(err, checkpoint.ErrInvalid) {
				t.Errorf("decoded %+v, %v", m, err)
			}
		})
	}
	for name, other := range map[string]string{"nothing": "", "more": body + "\n", "cut short": body[:len(body)-1], "null": "null"} {
		if m, err := checkpoint.Decode([]byte(other)); !errors.Is(err, checkpoint.ErrInvalid) {
			t.Errorf("%s: decoded %+v, %v", name, m, err)
		}
	}
}

// FuzzDecode: whatever is decoded is what Encode writes, so that one manifest
// has one id; and nothing panics.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f))
	f.Add([]byte(`{"format":"cohort.manifest/1"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := checkpoint.Decode(body)
		if err != nil {
			if !errors.Is(err, checkpoint.ErrInvalid) {
				t.Errorf("error is %v, want ErrInvalid", err)
			}
			return
		}
		again, digest, err := m.Encode()
		if err != nil || !bytes.Equal(again, body) || digest != m.Digest() {
			t.Errorf("decoded %q, encodes as %q, %v", body, again, err)
		}
	})
}
