//go:build services

package integration_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// weatherSteps is how many steps the jobs have that wait for something.
const weatherSteps = 8

// rereadHosts is after how long a program in Go looks at the file of hosts again.
const rereadHosts = 6 * time.Second

// waitsForStore is what a process says that waits for its store.
const waitsForStore = "The object store does not answer"

// A job whose store answers 503, or whose services' names are not known, waits,
// says what for, and goes on to the same checkpoint.
func TestJobWaitsForWhatIsAwayAndGoesOn(t *testing.T) {
	t.Parallel()
	want := demo(t, weatherSteps)
	t.Run("the object store answers 503", func(t *testing.T) {
		var away atomic.Bool
		s := realServices(t)
		r := &trial{store: s.openStore(t)}
		r.services = s.with("COHORT_STORE", before(t, s["COHORT_STORE"], func(inner http.Handler, w http.ResponseWriter, r *http.Request) {
			if away.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			inner.ServeHTTP(w, r)
		}))
		r.begin(t, 2, weatherSteps)
		r.lacks(t, func() { away.Store(true) }, waitsForStore, func() { away.Store(false) })
		r.ends(t, want)
	})
	t.Run("names are not known", func(t *testing.T) {
		needsNamespaces(t)
		s := realServices(t)
		store, err := url.Parse(s["COHORT_STORE"])
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := url.Parse(store.Query().Get("endpoint"))
		if err != nil {
			t.Fatal(err)
		}
		minio, redis := behind(t, endpoint.Host), behind(t, s["COHORT_REDIS"])
		known, setup := newNames(t, "minio.test", "redis.test")
		r := &trial{store: s.openStore(t), setup: setup}
		r.services = s.with("COHORT_STORE", renamed(t, s["COHORT_STORE"], "minio.test:"+portOf(t, minio.Listen))).
			with("COHORT_REDIS", "redis.test:"+portOf(t, redis.Listen))
		r.begin(t, 2, weatherSteps)
		r.lacks(t, func() {
			known.know(t, false)
			minio.Stop()
			redis.Stop()
			wait(t, rereadHosts)
			if err := errors.Join(minio.Start(), redis.Start()); err != nil {
				t.Fatal(err)
			}
		}, "there is no host minio.test", func() { known.know(t, true) })
		r.ends(t, want)
	})
}

// A job goes on once the server of its store has room again on its disk.
func TestJobWaitsForRoomOnTheDiskOfItsStore(t *testing.T) {
	t.Parallel()
	needsNamespaces(t)
	want := demo(t, weatherSteps)
	f := own(t)
	disk := filepath.Join(string(f), "minio", "data")
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	name, arguments := apart("mount -t tmpfs -o size=100m tmpfs "+disk, "../deploy/services/up", "minio")
	up := exec.CommandContext(t.Context(), name, arguments...)
	up.Env = append(os.Environ(), "SERVICES_DATA="+string(f))
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("start MinIO with a disk of its own: %v\n%s", err, out)
	}
	s := realServices(t)
	for name, value := range readEnvironment(t, filepath.Join(string(f), "env")) {
		s = s.with(name, value)
	}
	r := begin(t, s, 2, weatherSteps)
	r.reaches(t, weatherSteps/4)
	makeRoom := keepFull(t, filepath.Join("/proc", fmt.Sprint(f.pid(t, "minio")), "root", disk))
	r.anySays(t, "XMinioStorageFull") // whoever writes first; what is there can be read
	wait(t, weather())
	makeRoom()
	r.ends(t, want)
}

// A demo whose disk is full waits, says so, and goes on once there is room.
func TestDemoWaitsForRoomOnItsDisk(t *testing.T) {
	t.Parallel()
	needsNamespaces(t)
	want := demo(t, weatherSteps)
	dir := t.TempDir()
	name, arguments := apart("mount -t tmpfs -o size=60m tmpfs "+dir, "cohort", "demo", "--seed", "1", "--dir", filepath.Join(dir, "d"),
		"--steps", fmt.Sprint(weatherSteps), "--held-out", fmt.Sprint(heldOut))
	p, out := launch(t, nil, name, arguments...)
	p.brief = true
	disk := filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "root", dir)
	said := &strings.Builder{}
	reads(t, out, said, "step 2/")
	fill(t, disk)
	p.says(t, "no space left on device")
	wait(t, weather())
	empty(t, disk)
	reads(t, out, said, string(want.checkpoint))
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	<-p.done
}

// lacks takes something away in the middle of the job, waits until the
// coordinator says so and for as long as the weather lasts, and gives it back.
func (r *trial) lacks(t *testing.T, take func(), says string, giveBack func()) {
	t.Helper()
	r.reaches(t, weatherSteps/4)
	take()
	r.coordinator.says(t, says)
	wait(t, weather())
	giveBack()
	began := time.Now()
	t.Cleanup(func() { t.Logf("done %.1f s after %v without it", time.Since(began).Seconds(), weather()) })
}

// anySays waits until one of the job's processes has written the text to its log.
func (r *trial) anySays(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		for _, p := range append(slices.Clone(r.workers), r.coordinator) {
			said, err := os.ReadFile(p.log)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(said), text) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("nobody said %q within %v", text, patience)
		}
	}
}

// reads takes what a program writes until it wrote the text.
func reads(t *testing.T, out io.Reader, said *strings.Builder, text string) {
	t.Helper()
	buffer := make([]byte, 4<<10)
	for !strings.Contains(said.String(), text) {
		n, err := out.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			t.Fatalf("the program ended before it said %q: %s", text, said)
		}
	}
}

// behind is a proxy before an address.
func behind(t *testing.T, address string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(server, address, "127.0.0.1:0", address)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// weather is how long what a job needs stays away.
func weather() time.Duration { return time.Duration(number("weather")) * time.Second }
