package endtoend_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.String("workers", "3", "with how many workers gradients are computed in shards, beside the one of the shared system")
	flag.Int("jobs", 12, "how many small jobs run beside a large one, one that hangs and one that fails")
	code := m.Run()
	if err := up.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "cohort up:", err)
		code = 1
	}
	remove()
	os.Exit(code)
}
