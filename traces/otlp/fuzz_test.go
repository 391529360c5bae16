package otlp_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// FuzzDecode holds that nothing panics, that a request that cannot be read has
// no spans, and that every span has ids.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"*/t01*", "*/logs.01*", "*/t11*"} {
		names, err := filepath.Glob(filepath.Join(samples(), pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(body) < 8<<10 {
				f.Add(body)
			}
		}
	}
	limits := otlp.Limits{Bytes: 64 << 10, Depth: 50}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := otlp.Decode(body, limits)
		if err != nil && len(r.Spans)+len(r.Logs)+len(r.Refused) > 0 {
			t.Errorf("%v, and yet %d spans", err, len(r.Spans))
		}
		for _, s := range r.Spans {
			if s.Trace == (otlp.TraceID{}) || s.ID == (otlp.SpanID{}) || s.Origin == nil {
				t.Errorf("a span without an id or an origin: %+v", s)
			}
		}
	})
}
