package s3_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/retry"
)

// storm is a proxy that, one time in four, throttles, fails, passes a request on
// and loses the answer, or cuts the answer's body.
func storm(inner http.Handler) http.Handler {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(3, 4))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		weather := random.IntN(16)
		mu.Unlock()
		switch weather {
		case 0:
			answer(http.StatusServiceUnavailable, xmlError("SlowDown")).ServeHTTP(w, r)
		case 1:
			answer(http.StatusBadGateway, "<html>").ServeHTTP(w, r)
		case 2, 3:
			recorder := httptest.NewRecorder()
			inner.ServeHTTP(recorder, r)
			if body := recorder.Body.Bytes(); weather == 3 && len(body) > 1 {
				maps.Copy(w.Header(), recorder.Header())
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				w.WriteHeader(recorder.Code)
				_, _ = w.Write(body[:len(body)/2])
			}
			panic(http.ErrAbortHandler)
		default:
			inner.ServeHTTP(w, r)
		}
	})
}

// throughStorm is a bucket in a storm, with a client that does not lose heart.
func throughStorm(t *testing.T) blob.Bucket {
	t.Helper()
	policy := retry.Policy{Attempts: 50, First: time.Millisecond, Longest: 4 * time.Millisecond, Budget: time.Minute}
	return retry.New(connect(t, listen(t, storm(fake(t))), ""), policy, time.Now, rand.Float64)
}

// It has no prefix, unlike the server of TestServerKeepsTheContract.
func TestContractHoldsThroughAStorm(t *testing.T) {
	t.Parallel()
	blobtest.RunSmall(t, func(t *testing.T) blob.Bucket { t.Helper(); return throughStorm(t) })
}

func TestRacesThroughAStormAreLinearizable(t *testing.T) {
	t.Parallel()
	b := throughStorm(t)
	for race := range 20 {
		if h := blobtest.Race(t.Context(), b, fmt.Sprint("log-", race), 4, 2, false); !h.Linearizable() {
			t.Fatalf("race %d is not linearizable: %+v", race, h)
		}
	}
}
