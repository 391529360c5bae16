package reward_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/reward"
)

// hurried is a clock on which every pause is over at once.
type hurried struct{ pauses *[]time.Duration }

func (hurried) Now() time.Time { return time.Unix(0, 0) }

func (h hurried) Sleep(ctx context.Context, d time.Duration) error {
	*h.pauses = append(*h.pauses, d)
	return ctx.Err()
}

// judge is a server that answers with what answer makes of the items, and counts
// the requests.
func judge(t *testing.T, answer func(n int64, items []map[string]any) (int, string)) (services reward.Services, url string, asked *atomic.Int64, pauses *[]time.Duration) {
	t.Helper()
	asked, pauses = new(atomic.Int64), new([]time.Duration)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var said struct{ Items []map[string]any }
		if err := json.Unmarshal(body, &said); err != nil || strings.Contains(string(body), "nonce") || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("asked %s, %v", body, err)
		}
		code, text := answer(asked.Add(1), said.Items)
		w.Header().Set("Location", "http://elsewhere.example/")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return reward.Services{
		Client: reward.Client(), Hosts: []string{"127.0.0.1"}, Token: "secret", Clock: hurried{pauses}, Store: mem.New(), Prefix: "jobs/j/rewards/",
	}, server.URL, asked, pauses
}

// points answers with the points of each task, null for one without.
func points(_ int64, items []map[string]any) (int, string) {
	var all []string
	for _, i := range items {
		task, _ := i["task"].(map[string]any)
		switch p := task["points"].(type) {
		case float64:
			all = append(all, fmt.Sprint(p))
		case string:
			all = append(all, fmt.Sprintf(`{"error": %q}`, p))
		default:
			all = append(all, "null")
		}
	}
	return http.StatusOK, `{"rewards": [` + strings.Join(all, ",") + `]}`
}

func scored(items int) []reward.Item {
	var all []reward.Item
	for i := range items {
		all = append(all, item(thread(fmt.Sprint(i)), fmt.Sprintf(`{"points": %d}`, i)))
	}
	return append(all, item(bare(), `{"points": "no idea"}`), item(bare(), "{}"))
}

func TestServerIsAskedInBatchesAndNeverTwice(t *testing.T) {
	t.Parallel()
	services, url, asked, _ := judge(t, points)
	section := "{kind: http, http: {url: '" + url + "', batch: 4}}"
	s, _ := scorer(t, section, services)
	items := scored(8)
	first, err := reward.Judge(t.Context(), s, nil, items)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if first[i].Value != float64(i) || first[i].Reason != "" {
			t.Errorf("item %d: %+v", i, first[i])
		}
	}
	if v := first[8]; v.Reason != job.RewardFailed || v.Detail != "the server says: no idea" {
		t.Errorf("%+v", v)
	}
	if v := first[9]; v.Reason != job.NoReward {
		t.Errorf("%+v", v)
	}
	if n := asked.Load(); n != 3 {
		t.Fatalf("%d requests for 10 items in batches of 4", n)
	}
	// Another worker, with another scorer, another time; the agent ran under
	// another nonce.
	again, _ := scorer(t, section, services)
	for i := range items {
		other := *items[i].Trace
		other.Thread = "j/1/0/0/another"
		items[i].Trace = &other
	}
	second, err := reward.Judge(t.Context(), again, nil, items)
	if err != nil || fmt.Sprint(second) != fmt.Sprint(first) {
		t.Fatalf("%+v, %v; first it was %+v", second, err, first)
	}
	if n := asked.Load(); n != 3 {
		t.Fatalf("the server was asked again: %d requests", n)
	}
}

func TestAnswersThatWereFirstAreRightForAll(t *testing.T) {
	t.Parallel()
	services, url, asked, _ := judge(t, func(n int64, items []map[string]any) (int, string) {
		return http.StatusOK, fmt.Sprintf(`{"rewards": [%d]}`, n) // another one each time
	})
	section := "{kind: http, http: {url: '" + url + "'}}"
	values := make(chan float64, 8)
	for range cap(values) {
		go func() {
			s, _ := scorer(t, section, services)
			got, err := s.Score(t.Context(), []reward.Item{item(bare(), "{}")})
			if err != nil {
				t.Error(err)
				values <- -1
				return
			}
			values <- got[0].Value
		}()
	}
	var all []float64
	for range cap(values) {
		all = append(all, <-values)
	}
	slices.Sort(all)
	if all[0] != all[len(all)-1] || all[0] < 1 {
		t.Fatalf("of one request there are rewards %v, after %d requests", all, asked.Load())
	}
}

func TestServerThatStumblesIsAskedAgainAndOneThatRefusesIsNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(n int64, items []map[string]any) (int, string)
		asked  int64
		says   string
	}{
		{"twice unavailable", func(n int64, items []map[string]any) (int, string) {
			if n < 3 {
				return http.StatusServiceUnavailable, ""
			}
			return points(n, items)
		}, 3, ""},
		{"always unavailable", func(int64, []map[string]any) (int, string) { return http.StatusBadGateway, "" }, 4, "502"},
		{"refuses", func(int64, []map[string]any) (int, string) { return http.StatusBadRequest, "what is this?" }, 1, "what is this?"},
		{"sends elsewhere", func(int64, []map[string]any) (int, string) { return http.StatusFound, "" }, 1, "302"},
		{"too few", func(int64, []map[string]any) (int, string) { return http.StatusOK, `{"rewards": []}` }, 1, "0 rewards for 1 items"},
		{"no JSON", func(int64, []map[string]any) (int, string) { return http.StatusOK, `{"rewards": [NaN]}` }, 1, "cannot be read"},
		{"no number", func(int64, []map[string]any) (int, string) { return http.StatusOK, `{"rewards": ["1"]}` }, 1, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			services, url, asked, pauses := judge(t, c.answer)
			s, _ := scorer(t, "{kind: http, http: {url: '"+url+"', attempts: 4, backoff: 1s}}", services)
			got, err := reward.Judge(t.Context(), s, new(float64), []reward.Item{item(bare(), `{"points": 3}`)})
			if asked.Load() != c.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), c.asked)
			}
			// Weather is never a fate, nor the failure score: nothing is decided.
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || got != nil) {
				t.Fatalf("%+v, %v", got, err)
			}
			if c.says == "" && (err != nil || got[0].Value != 3 || !slices.Equal(*pauses, []time.Duration{time.Second, 2 * time.Second})) {
				t.Fatalf("%+v, %v, pauses %v", got, err, *pauses)
			}
		})
	}
}

func TestSilentServerHasItsTimeAndNoMore(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	services, url, asked, _ := judge(t, func(int64, []map[string]any) (int, string) { <-release; return http.StatusOK, "" })
	t.Cleanup(func() { close(release) })
	s, _ := scorer(t, "{kind: http, http: {url: '"+url+"', attempts: 2, timeout: 20ms}}", services)
	if got, err := s.Score(t.Context(), scored(0)); !errors.Is(err, context.DeadlineExceeded) || got != nil {
		t.Fatal(got, err)
	}
	if asked.Load() > 2 {
		t.Fatalf("asked %d times", asked.Load())
	}
}

func TestHostThatIsNotAllowedIsNotAsked(t *testing.T) {
	t.Parallel()
	services, url, asked, _ := judge(t, points)
	for _, c := range []struct {
		hosts []string
		url   string
		says  string
	}{
		{nil, url, "--reward-host"},
		{[]string{"127.0.0.1:1"}, url, "--reward-host"},
		{[]string{"127.0.0.1"}, "http://127.0.0.1.elsewhere.example/", "--reward-host"},
		{[]string{strings.TrimPrefix(url, "http://")}, url, ""},
	} {
		services.Hosts = c.hosts
		_, section := scorer(t, "{kind: http, http: {url: '"+c.url+"'}}", reward.Services{Client: services.Client, Hosts: []string{"127.0.0.1", "127.0.0.1.elsewhere.example"}})
		_, err := reward.New(section, services)
		if (c.says == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%v may ask %s: %v", c.hosts, c.url, err)
		}
	}
	if asked.Load() != 0 {
		t.Fatal("a server was asked")
	}
}
