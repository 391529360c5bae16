package endtoend_test

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	finished.remove()
	if err := up.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "cohort up:", err)
		code = 1
	}
	remove()
	os.Exit(code)
}
