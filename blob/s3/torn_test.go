package s3_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// A server that gives the ETag of one write with the body of the next is asked
// again, so that whoever replaces what it read is not refused for nothing.
func TestAnswerWhoseVersionIsOfAnotherWriteIsAskedForAgain(t *testing.T) {
	t.Parallel()
	inner := fake(t)
	var old, torn atomic.Value
	b := connect(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		inner.ServeHTTP(recorded, r)
		maps.Copy(w.Header(), recorded.Header())
		if tag := old.Load(); r.Method == http.MethodGet && tag != nil && torn.CompareAndSwap(true, false) {
			w.Header()["ETag"], w.Header()["Etag"] = []string{tag.(string)}, []string{tag.(string)}
		}
		if r.Method == http.MethodPut && old.Load() == nil {
			old.Store(recorded.Header().Get("ETag"))
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	})), "")
	first, err := b.Put(t.Context(), "head.json", []byte("one"), blob.IfAbsent())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "head.json", []byte("two"), blob.IfMatch(first)); err != nil {
		t.Fatal(err)
	}
	torn.Store(true)
	read, err := b.Get(t.Context(), "head.json")
	if err != nil || !bytes.Equal(read.Body, []byte("two")) || torn.Load() != false {
		t.Fatalf("read %q, %v", read.Body, err)
	}
	if _, err := b.Put(t.Context(), "head.json", []byte("three"), blob.IfMatch(read.Version)); err != nil {
		t.Errorf("replace what was read: %v", err)
	}
}
