package embedded_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// victim names the folder in which a child process of a test runs a broker.
const victim = "COHORT_EMBEDDED_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		fmt.Fprintln(os.Stderr, produceAndDie(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
