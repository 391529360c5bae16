package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/blob/retry"
	"github.com/cohort-rl/cohort/blob/s3"
)

// answer is a server that gives every request the same answer.
func answer(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func xmlError(code string) string {
	return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>told so</Message></Error>"
}

func TestAnswersHaveTheirKind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		body     string
		get, put error
		says     string
	}{
		"missing object":     {404, xmlError("NoSuchKey"), blob.ErrNotFound, blob.ErrDenied, ""},
		"missing bucket":     {404, xmlError("NoSuchBucket"), blob.ErrDenied, blob.ErrDenied, "no such bucket"},
		"no object store":    {404, "404 page not found", blob.ErrDenied, blob.ErrDenied, "endpoint"},
		"forbidden":          {403, xmlError("AccessDenied"), blob.ErrDenied, blob.ErrDenied, "AWS_ACCESS_KEY_ID"},
		"wrong secret":       {403, xmlError("SignatureDoesNotMatch"), blob.ErrDenied, blob.ErrDenied, "AWS_SECRET_ACCESS_KEY"},
		"wrong region":       {400, xmlError("AuthorizationHeaderMalformed"), blob.ErrDenied, blob.ErrDenied, "region"},
		"clock":              {403, xmlError("RequestTimeTooSkewed"), blob.ErrUnavailable, blob.ErrUnavailable, "clock"},
		"slow down":          {503, xmlError("SlowDown"), blob.ErrThrottled, blob.ErrThrottled, ""},
		"too many":           {429, "", blob.ErrThrottled, blob.ErrThrottled, ""},
		"conflict":           {409, xmlError("ConditionalRequestConflict"), blob.ErrConflict, blob.ErrConflict, ""},
		"internal":           {500, xmlError("InternalError"), blob.ErrUnavailable, blob.ErrAmbiguous, ""},
		"bad gateway":        {502, "<html>", blob.ErrUnavailable, blob.ErrAmbiguous, ""},
		"unavailable":        {503, "", blob.ErrUnavailable, blob.ErrAmbiguous, ""},
		"request timeout":    {400, xmlError("RequestTimeout"), blob.ErrUnavailable, blob.ErrAmbiguous, ""},
		"altered, by digest": {400, xmlError("BadDigest"), blob.ErrUnavailable, blob.ErrUnavailable, "altered on its way"},
		"altered, by SHA":    {400, xmlError("XAmzContentSHA256Mismatch"), blob.ErrUnavailable, blob.ErrUnavailable, "altered on its way"},
		"cut off":            {400, xmlError("IncompleteBody"), blob.ErrUnavailable, blob.ErrUnavailable, "altered on its way"},
		"not implemented":    {501, xmlError("NotImplemented"), blob.ErrDenied, blob.ErrDenied, ""},
		"too large":          {413, xmlError("EntityTooLarge"), blob.ErrTooLarge, blob.ErrTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := connect(t, listen(t, answer(c.status, c.body)), "")
			_, getErr := b.Get(t.Context(), "key")
			_, headErr := b.Head(t.Context(), "key")
			_, putErr := b.Put(t.Context(), "key", []byte("x"), blob.IfAbsent())
			_, listErr := first(b.List(t.Context(), "", ""))
			for op, err := range map[string]error{"get": getErr, "head": headErr, "put": putErr, "list": listErr} {
				want := c.get
				if op == "put" {
					want = c.put
				}
				if op == "list" && name == "missing object" || op == "head" && name == "slow down" {
					continue // no server says the one, and HEAD cannot say the other
				}
				if !errors.Is(err, want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v, want %v saying %q", op, err, want, c.says)
				}
				if kinds := kindsOf(err); kinds != 1 {
					t.Errorf("%s: %v has %d kinds, want one", op, err, kinds)
				}
				if strings.Contains(err.Error(), "secret-key") {
					t.Errorf("%s: %v tells the secret", op, err)
				}
			}
		})
	}
}

func kindsOf(err error) int {
	n := 0
	for _, kind := range []error{
		blob.ErrNotFound, blob.ErrExists, blob.ErrStale, blob.ErrConflict, blob.ErrAmbiguous,
		blob.ErrTooLarge, blob.ErrThrottled, blob.ErrDenied, blob.ErrUnavailable, blob.ErrInvalidKey,
	} {
		if errors.Is(err, kind) {
			n++
		}
	}
	return n
}

func first(seq func(func(blob.Info, error) bool)) (info blob.Info, err error) {
	for info, err = range seq {
		break
	}
	return info, err
}

func TestTruncatedAnswerIsAnError(t *testing.T) {
	t.Parallel()
	inner := fake(t)
	var cut atomic.Bool
	b := connect(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !cut.Load() {
			inner.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		inner.ServeHTTP(recorder, r)
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes()[:recorder.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})), "")
	body := bytes.Repeat([]byte("0123456789"), 10_000)
	if _, err := b.Put(t.Context(), "key", body, blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	if object, err := b.Get(t.Context(), "key"); !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("get gave %d bytes and %v, want the truncation reported", len(object.Body), err)
	}
}

// losing applies the first PUT of each condition and cuts the connection before
// the answer.
func losing(inner http.Handler) (handler http.Handler, puts *atomic.Int32) {
	puts = new(atomic.Int32)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && puts.Add(1) == 1 {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}), puts
}

func TestLostAnswerIsAmbiguousAndThenRecognisedAsOwnSuccess(t *testing.T) {
	t.Parallel()
	handler, puts := losing(fake(t))
	b := connect(t, listen(t, handler), "")
	body := []byte("commit 1")
	if _, err := b.Put(t.Context(), "log/1", body, blob.IfAbsent()); !errors.Is(err, blob.ErrAmbiguous) {
		t.Fatalf("put whose answer was lost: %v, want ambiguous", err)
	}
	if puts.Load() != 1 {
		t.Fatalf("the client sent %d puts by itself", puts.Load())
	}
	// The server now answers 412 to the very same body.
	if version, err := b.Put(t.Context(), "log/1", body, blob.IfAbsent()); err != nil || version == "" {
		t.Fatalf("put again: %q, %v; want success by content", version, err)
	}
	if _, err := b.Put(t.Context(), "log/1", []byte("commit 2"), blob.IfAbsent()); !errors.Is(err, blob.ErrExists) {
		t.Fatalf("another's put: %v, want exists", err)
	}
}

func TestRetriesHideALostAnswer(t *testing.T) {
	t.Parallel()
	handler, puts := losing(fake(t))
	b := retry.New(connect(t, listen(t, handler), ""), retry.Default(), time.Now, func() float64 { return 0 })
	if _, err := b.Put(t.Context(), "log/1", []byte("commit 1"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if puts.Load() != 1 {
		t.Fatalf("the body was sent %d times, want once", puts.Load())
	}
}

func TestBodyAlteredOnItsWayIsSentAgainAndThenNamed(t *testing.T) {
	t.Parallel()
	inner := fake(t)
	var puts, gets atomic.Int32
	left := atomic.Int32{}
	b := retry.New(connect(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets.Add(1)
		}
		if r.Method == http.MethodPut {
			puts.Add(1)
			if left.Add(-1) >= 0 {
				answer(400, xmlError("XAmzContentSHA256Mismatch")).ServeHTTP(w, r)
				return
			}
		}
		inner.ServeHTTP(w, r)
	})), ""), retry.Policy{Attempts: 3, First: time.Millisecond, Longest: time.Millisecond, Budget: time.Hour}, time.Now, func() float64 { return 0 })
	left.Store(2)
	if _, err := b.Put(t.Context(), "log/1", []byte("commit 1"), blob.IfAbsent()); err != nil || puts.Load() != 3 || gets.Load() != 0 {
		t.Errorf("altered twice: %v after %d puts and %d gets, want the third stored and nothing read back", err, puts.Load(), gets.Load())
	}
	left.Store(100)
	_, err := b.Put(t.Context(), "log/2", []byte("commit 2"), blob.IfAbsent())
	if !errors.Is(err, s3.ErrAltered) || errors.Is(err, blob.ErrAmbiguous) || puts.Load() != 6 {
		t.Errorf("altered always: %v after %d puts, want it named", err, puts.Load()-3)
	}
}

func TestUnreachableServerIsUnavailableNotAmbiguous(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(answer(200, ""))
	server.Close() // nothing listens there any more
	b := connect(t, server.URL, "")
	if _, err := b.Put(t.Context(), "key", []byte("x"), blob.Always()); !errors.Is(err, blob.ErrUnavailable) || errors.Is(err, blob.ErrAmbiguous) {
		t.Errorf("put: %v, want unavailable", err)
	}
	if _, err := b.Get(t.Context(), "key"); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("get: %v, want unavailable", err)
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	endpoint := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	c := config(endpoint, "")
	c.Timeout = 500 * time.Millisecond
	b, err := s3.New(lifetime(t), c)
	if err != nil {
		t.Fatal(err)
	}
	_, putErr := b.Put(t.Context(), "key", []byte("x"), blob.Always())
	_, getErr := b.Get(t.Context(), "key")
	_, listErr := first(b.List(t.Context(), "", ""))
	for want, err := range map[error]error{blob.ErrAmbiguous: putErr, blob.ErrUnavailable: errors.Join(getErr, listErr)} {
		// Not the caller's deadline: whoever retries must see weather.
		if !errors.Is(err, want) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want %v and no deadline of the caller", err, want)
		}
	}
}

func TestCancelledPutUnderWayIsAmbiguous(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	b := connect(t, listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})), "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := b.Put(ctx, "key", []byte("x"), blob.Always())
	if !errors.Is(err, blob.ErrAmbiguous) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want ambiguous and cancelled", err)
	}
}

func TestServerThatIgnoresConditionsIsRefused(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"If-None-Match": "create twice", "If-Match": "stale replace"} {
		inner := fake(t)
		b := connect(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(header)
			inner.ServeHTTP(w, r)
		})), "")
		if _, err := probe.Run(t.Context(), b, "nonce"); !errors.Is(err, probe.ErrUnfit) || !strings.Contains(err.Error(), want) {
			t.Errorf("server that ignores %s: %v, want it refused with %q", header, err, want)
		}
	}
	if _, err := probe.Run(t.Context(), connect(t, serve(t), ""), "nonce"); err != nil {
		t.Errorf("server that honours both: %v", err)
	}
}

func TestAuthorityIsNamedWhenItIsUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(fake(t))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := connect(t, server.URL, "").Get(t.Context(), "key")
	if !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "ca=FILE") {
		t.Errorf("without its authority: %v, want the setting named", err)
	}
	c := config(server.URL, "")
	c.CA = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.CA, pemOf(server), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := s3.New(lifetime(t), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "key", []byte("over TLS"), blob.IfAbsent()); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	plain := "https" + strings.TrimPrefix(serve(t), "http")
	if _, err := connect(t, plain, "").Get(t.Context(), "key"); !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "http://") {
		t.Errorf("TLS to a plain server: %v, want the setting named", err)
	}
}
