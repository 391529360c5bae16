package s3_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A store whose context ended keeps no connection and no goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
