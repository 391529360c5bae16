package receiver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/receiver"
)

// raw sends text over a connection of its own and reads the status of the answer;
// 0 is none.
func raw(t *testing.T, url string, text ...string) int {
	t.Helper()
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(deadline)) // It has a deadline.
	for _, part := range text {
		if _, err := io.WriteString(conn, part); err != nil {
			return 0
		}
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

const head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"

// TestBodiesThatLieAboutTheirLengthHoldNothing sends bodies that are shorter or
// longer than they say, slower than they may be, or nothing but zeros in gzip.
func TestBodiesThatLieAboutTheirLengthHoldNothing(t *testing.T) {
	t.Parallel()
	log := &kept{}
	bounded := func(c *receiver.Config) { c.Limits.Memory, c.Limits.Body = 16<<20, 4<<20 }
	url, told := serve(t, log, bounded)
	hurried, _ := serve(t, log, func(c *receiver.Config) { bounded(c); c.Limits.Receive = 300 * time.Millisecond })
	body := string(spansOf(t, 1, 1, 1, 0))
	bomb := &bytes.Buffer{}
	w := gzip.NewWriter(bomb)
	for range 64 {
		_, _ = w.Write(make([]byte, 1<<20)) // A buffer takes everything.
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for name, c := range map[string]struct {
		text   []string
		status int
	}{
		"claims more than it sends": {[]string{head + "Content-Length: 1000\r\n\r\n", body}, 408},
		"claims 100 MB":             {[]string{head + "Content-Length: 104857600\r\n\r\n", body}, 413},
		"claims 4 MB":               {[]string{head + "Content-Length: 4194304\r\n\r\n", body}, 408},
		"sends more than it claims": {[]string{head + "Content-Length: 10\r\n\r\n", body}, 400},
		"negative":                  {[]string{head + "Content-Length: -1\r\n\r\n", body}, 400},
		"a chunk that never ends":   {[]string{head + "Transfer-Encoding: chunked\r\n\r\nfffff\r\n", body}, 408},
		"a bomb":                    {[]string{head + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb.Len()), bomb.String()}, 413},
		"nothing at all":            {[]string{head + "Content-Length: 100\r\n\r\n"}, 408},
	} {
		clients.Go(func() {
			to := url
			if c.status == http.StatusRequestTimeout {
				to = hurried
			}
			if status := raw(t, to, c.text...); status != c.status {
				t.Errorf("%s: status %d, want %d", name, status, c.status)
			}
		})
	}
	clients.Wait()
	if len(log.records) != 0 || told.accepted != 0 {
		t.Errorf("%d messages", len(log.records))
	}
	// All memory is there again: a request that needs most of it is taken.
	if r := post(t, url+"/v1/traces", spansOf(t, 1, 1, 3, 990_000)); r.status != http.StatusOK {
		t.Errorf("status %d: %s", r.status, r.body)
	}
}

// TestMoreThanThereIsRoomForIsToComeAgain holds the bound on memory against
// clients that send at once and slowly.
func TestMoreThanThereIsRoomForIsToComeAgain(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	log := &gated{gate: release}
	url, told := serve(t, log, func(c *receiver.Config) {
		c.Limits.Memory = 8 << 20
		c.Limits.Requests = 16
		c.Limits.Acknowledge = deadline
	})
	body := spansOf(t, 1, 1, 4, 250_000) // more than net/http reads by itself of what is turned away
	statuses := make(chan int, 32)
	var clients sync.WaitGroup
	for range cap(statuses) {
		clients.Go(func() {
			r := post(t, url+"/v1/traces", body)
			if (r.status == http.StatusServiceUnavailable) != (r.header.Get("Retry-After") != "") {
				t.Errorf("status %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
			}
			statuses <- r.status
		})
	}
	// Most are turned away while the log holds on to what it has.
	for range cap(statuses) / 2 {
		if status := <-statuses; status != http.StatusServiceUnavailable {
			t.Errorf("status %d", status)
		}
	}
	close(release)
	clients.Wait()
	close(statuses)
	taken := 0
	for status := range statuses {
		if status == http.StatusOK {
			taken++
		}
	}
	if taken == 0 || told.accepted != 4*taken || log.most > 8<<20 {
		t.Errorf("%d were taken, %d spans counted, %d bytes at once", taken, told.accepted, log.most)
	}
	if r := post(t, url+"/v1/traces", body); r.status != http.StatusOK {
		t.Errorf("afterwards: status %d", r.status)
	}
}
