package endtoend_test

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

// wire is a TCP connection to a server that can be cut.
type wire struct {
	listener net.Listener
	server   string

	mu    sync.Mutex // guards what follows
	isCut bool
	conns map[net.Conn]bool
}

// newWire leads to a server until the end of the test.
func newWire(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, server: server, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { w.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.cut()
		serving.Wait()
	})
	return w
}

func (w *wire) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.add(near, far) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // However it ends, the connection is over.
			near.Close()
			far.Close()
		})
	}
	both.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, near)
	delete(w.conns, far)
}

func (w *wire) add(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = true
	}
	return !w.isCut
}

// cut breaks every connection, and each that is made, until mend.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for c := range w.conns {
		c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

func TestJobWaitsForAnObjectStoreThatIsAway(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	line := newWire(t, server.Listener.Addr().String())
	env := []string{"AWS_ACCESS_KEY_ID=access", "AWS_SECRET_ACCESS_KEY=secret-key"}
	c := startCluster(t, "s3://bucket/jobs?style=path&endpoint=http://"+line.listener.Addr().String(), env, 1, 1)
	direct, err := s3.New(context.WithoutCancel(t.Context()), s3.Config{
		Endpoint: server.URL, Bucket: "bucket", Prefix: "jobs", Region: "us-east-1", Style: s3.Path,
		Credentials: s3.Credentials{AccessKey: "access", SecretKey: "secret-key"},
	})
	if err != nil {
		t.Fatal(err)
	}
	to := system{c.client(t, 0), direct}
	b := newBarrier(2)
	s := smallJob{agent: startAgent(t, b.gate).url, steps: 4, tasks: four()}
	id := s.submit(t, to)
	b.await(t, 4*rollouts)

	away := time.NewTimer(2 * time.Second)
	line.cut()
	close(b.opened) // What the agent answers now cannot be settled.
	for _, p := range []*process{c.coordinators[0], c.workers[0]} {
		if text := p.said(t, "The object store does not answer; waiting for it.", "error"); text == "" {
			t.Errorf("%s does not say why it waits", p.name)
		}
	}
	<-away.C
	if before := trained.Read(t, direct, id); len(before.Commits()) != 1 || before.End() != nil {
		t.Errorf("the job went on without its store: %d commits, end %+v", len(before.Commits()), before.End())
	}
	line.mend()

	head := awaitEnd(t, direct, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
	}
	if !strings.Contains(c.coordinators[0].log.String(), "The object store answers again.") {
		t.Error("the coordinator does not say that the store is back")
	}
}
