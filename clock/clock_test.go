package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/clock"
)

func TestSleepEndsAfterItsTimeOrWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := clock.System{}.Now()
		if err := (clock.System{}).Sleep(ctx, 2*time.Second); err != nil || time.Since(began) != 2*time.Second {
			t.Errorf("slept %v, %v", time.Since(began), err)
		}
		if err := (clock.System{}).Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("slept until %v, %v", time.Since(began), err)
		}
	})
}
