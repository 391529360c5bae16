package agent_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
)

// bind listens at a new address. Its connections buffer little from their first
// byte on, however late they are accepted.
func bind(t *testing.T) net.Listener {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) }); e != nil {
			return e
		}
		return err
	}}
	listener, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// listen runs handle on the first connection to a new address.
func listen(t *testing.T, handle func(net.Conn)) (url string) {
	t.Helper()
	listener := bind(t)
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		handle(conn)
	}()
	return "http://" + listener.Addr().String()
}

// large is a request that does not fit into the buffers of a connection.
func large() agent.Request {
	r := request()
	r.Task = json.RawMessage(`"` + strings.Repeat("x", agent.MaxRequest-4096) + `"`)
	return r
}

func TestRefusedConnectionIsWeather(t *testing.T) {
	t.Parallel()
	listener := bind(t)
	_ = listener.Close()
	c := client(t, agent.Config{URL: "http://" + listener.Addr().String()})
	if _, err := c.Attempt(within(t), request()); !errors.Is(err, agent.ErrWeather) {
		t.Errorf("error %v, want ErrWeather", err)
	}
}

func TestResetBeforeTheRequestWasWholeIsWeather(t *testing.T) {
	t.Parallel()
	url := listen(t, func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, 4096))
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	_, err := client(t, agent.Config{URL: url}).Attempt(within(t), large())
	if !errors.Is(err, agent.ErrWeather) || errors.Is(err, agent.ErrBroke) {
		t.Errorf("error %v, want ErrWeather", err)
	}
}

func TestAgentThatNeverReadsIsWeather(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := listen(t, func(net.Conn) { <-release })
	defer close(release)
	r := large()
	r.DeadlineMS = 500 // enough to connect on a busy machine
	_, err := client(t, agent.Config{URL: url, Grace: 500 * time.Millisecond}).Attempt(within(t), r)
	if !errors.Is(err, agent.ErrWeather) || errors.Is(err, agent.ErrTimedOut) {
		t.Errorf("error %v, want ErrWeather", err)
	}
}

func TestConnectionThatBreaksAfterTheRequestBroke(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"no answer":     "",
		"half a header": "HTTP/1.1 200 OK\r\nContent-",
		"half a body":   "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"events\":",
	} {
		url := listen(t, func(conn net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(conn, response)
		})
		_, err := client(t, agent.Config{URL: url}).Attempt(within(t), request())
		if !errors.Is(err, agent.ErrBroke) || errors.Is(err, agent.ErrWeather) {
			t.Errorf("%s: error %v, want ErrBroke", name, err)
		}
	}
}

func TestBreakOnAKeptConnectionIsNotSentAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	url := listen(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.ReadAll(r.Body)
			if requests.Add(1) == 2 {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"events\":1}")
		}
	})
	c := client(t, agent.Config{URL: url})
	if _, err := c.Attempt(within(t), request()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Attempt(within(t), request()); !errors.Is(err, agent.ErrBroke) {
		t.Errorf("error %v, want ErrBroke", err)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests, want 2", requests.Load())
	}
}

func TestAgentThatDoesNotAnswerInItsTimeTimedOut(t *testing.T) {
	t.Parallel()
	url := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	r := request()
	r.DeadlineMS = 500 // enough to connect on a busy machine
	_, err := client(t, agent.Config{URL: url, Grace: 500 * time.Millisecond}).Attempt(within(t), r)
	if !errors.Is(err, agent.ErrTimedOut) || errors.Is(err, agent.ErrBroke) {
		t.Errorf("error %v, want ErrTimedOut", err)
	}
}

func TestHealthCheckAnswersForTheAgent(t *testing.T) {
	t.Parallel()
	alive := started(t, agent.Handler(nil))
	if !alive.Healthy(within(t)) {
		t.Error("an agent that runs is not healthy")
	}
	if started(t, respond(500, "")).Healthy(within(t)) {
		t.Error("an agent that answers 500 is healthy")
	}
	url := listen(t, func(net.Conn) {})
	if client(t, agent.Config{URL: url}).Healthy(within(t)) {
		t.Error("an agent that closes is healthy")
	}
}

func TestClientIsNotMadeForABadURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "agent:80", "ftp://agent/", "http://", "http://user:secret@agent/", "http://agent/#x", "http://[::1", "http://secret%zz@agent/"} {
		for _, config := range []agent.Config{{URL: url}, {URL: "http://agent", Health: url}} {
			if url == "" && config.URL != "" {
				continue
			}
			if _, err := agent.NewClient(config); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: error %v", url, err)
			}
		}
	}
}
