package serve_test

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy/serve"
)

func TestRowsKeepEveryBitThroughJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		n := width * rapid.IntRange(1, 9).Draw(t, "rows")
		rows := serve.Rows{Width: width}
		s := numerics.NewStream(rapid.Uint64().Draw(t, "seed"))
		for len(rows.Values) < n {
			if v := math.Float32frombits(uint32(s.Uint64())); v-v == 0 {
				rows.Values = append(rows.Values, v)
			}
		}
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		var got serve.Rows
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Width != rows.Width || len(got.Values) != len(rows.Values) {
			t.Fatalf("%s became %+v", text, got)
		}
		for i, v := range rows.Values {
			if math.Float32bits(got.Values[i]) != math.Float32bits(v) {
				t.Fatalf("%v became %v", v, got.Values[i])
			}
		}
	})
}

func TestRowsWithoutJSONAreRefused(t *testing.T) {
	t.Parallel()
	for _, rows := range []serve.Rows{
		{Width: 0, Values: []float32{1}},
		{Width: 2, Values: []float32{1, 2, 3}},
		{Width: 1, Values: []float32{float32(math.NaN())}},
		{Width: 1, Values: []float32{float32(math.Inf(-1))}},
	} {
		if text, err := json.Marshal(rows); err == nil {
			t.Errorf("%+v became %s", rows, text)
		}
	}
}

// Whatever arrives is refused or survives being sent again.
func FuzzRows(f *testing.F) {
	f.Add([]byte(`[[1,-2.5e3],[0,1e-45]]`))
	f.Add([]byte(` [ [ 1 ] , [ 2 ] ] `))
	f.Add([]byte(`[[1],[]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var rows, again serve.Rows
		if json.Unmarshal(body, &rows) != nil {
			return
		}
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &again); err != nil || again.Width != rows.Width || len(again.Values) != len(rows.Values) {
			t.Fatalf("%s became %s (%v)", body, text, err)
		}
	})
}
