package patient_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/clock"
)

// Many requests through many buckets wait for a minute: what is said does not
// grow with their number.
func TestOutageIsSaidOnceInTenSecondsWhateverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		voice := patient.NewVoice(clock.System{}, slog.New(slog.NewTextHandler(&said, nil)))
		began := time.Now()
		faulty := blobtest.NewFaulty(filled(t), func(string, string) blobtest.Fault {
			if time.Since(began) < time.Minute {
				return blobtest.Fault{Before: blob.ErrUnavailable}
			}
			return blobtest.Fault{}
		})
		var waiting sync.WaitGroup
		for range 4 {
			b := patient.New(faulty, clock.System{}, voice)
			for range 25 {
				waiting.Go(func() {
					if _, err := b.Get(t.Context(), "a"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		waiting.Wait()
		text := said.String()
		if n := strings.Count(text, "does not answer; waiting"); n < 2 || n > 7 {
			t.Errorf("an outage of a minute is said %d times, want one in 10 s:\n%s", n, text)
		}
		if strings.Count(text, "answers again") != 1 || !strings.Contains(text, "requests=1 ") {
			t.Errorf("its end is not said once, or its begin not at once:\n%s", text)
		}
		all := 0
		for _, count := range regexp.MustCompile(`requests=(\d+)`).FindAllStringSubmatch(text, -1) {
			n, err := strconv.Atoi(count[1])
			if err != nil {
				t.Fatal(err)
			}
			all += n
		}
		if all < 1_000 {
			t.Errorf("%d failed requests are counted, want those of all who waited:\n%s", all, text)
		}
	})
}
