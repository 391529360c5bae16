package fs_test

import (
	"fmt"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// BenchmarkPut stores new 4 KiB objects, each durable before the next begins.
func BenchmarkPut(b *testing.B) {
	bucket, _ := create(b)
	body := make([]byte, 4096)
	b.SetBytes(int64(len(body)))
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("jobs/j/g1/settled/%020d/%020d.json", i/64, i)
		if _, err := bucket.Put(b.Context(), key, body, blob.IfAbsent()); err != nil {
			b.Fatal(err)
		}
	}
}
