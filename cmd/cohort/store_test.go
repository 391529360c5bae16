package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/testscript"
)

// bucket serves an empty bucket, whose URL is then in the variable NAME, from a
// server that overlooks the headers named.
func bucket(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: bucket NAME [HEADER...]")
	}
	backend := s3mem.New()
	ts.Check(backend.CreateBucket("bucket"))
	inner := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, header := range args[1:] {
			r.Header.Del(header)
		}
		inner.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], "s3://bucket/team?style=path&endpoint="+server.URL)
}
