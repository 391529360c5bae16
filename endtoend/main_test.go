package endtoend_test

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	finished.remove()
	remove()
	os.Exit(code)
}
