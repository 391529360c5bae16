//go:build services

package integration_test

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// apart is a command that runs in a mount namespace of its own, once a shell has
// done the setup there.
func apart(setup, name string, arguments ...string) (string, []string) {
	return "unshare", append([]string{"--map-root-user", "--mount", "sh", "-c", setup + ` && exec "$0" "$@"`, name}, arguments...)
}

// needsNamespaces skips a test where nobody may make a mount namespace.
func needsNamespaces(t *testing.T) {
	t.Helper()
	name, arguments := apart("true", "true")
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Skipf("this machine lets nobody make a mount namespace: %v %s", err, out)
	}
}

// names are those that processes with a setup of their own know.
type names struct {
	hosts string // a file
	known string // what it holds at first
}

// newNames makes names for this machine, and the setup with which a process
// knows those and no others.
func newNames(t *testing.T, all ...string) (n *names, setup string) {
	t.Helper()
	dir := t.TempDir()
	n = &names{hosts: filepath.Join(dir, "hosts"), known: "127.0.0.1 localhost " + strings.Join(all, " ") + "\n"}
	order := filepath.Join(dir, "nsswitch.conf")
	if err := errors.Join(os.WriteFile(n.hosts, []byte(n.known), 0o600), os.WriteFile(order, []byte("hosts: files\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return n, "mount --bind " + n.hosts + " /etc/hosts && mount --bind " + order + " /etc/nsswitch.conf"
}

// know makes the names known, or unknown.
func (n *names) know(t *testing.T, yes bool) {
	t.Helper()
	text := "127.0.0.1 localhost\n"
	if yes {
		text = n.known
	}
	if err := os.WriteFile(n.hosts, []byte(text), 0o600); err != nil { // in place: it is mounted
		t.Fatal(err)
	}
}

// fill leaves no room on the disk of a folder.
func fill(t *testing.T, folder string) {
	t.Helper()
	for _, block := range []int{1 << 20, 4 << 10} {
		f, err := os.OpenFile(filepath.Join(folder, "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, block))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		f.Close()
	}
	var left syscall.Statfs_t
	if err := syscall.Statfs(filepath.Join(folder, "filler"), &left); err != nil || left.Bfree > 0 {
		t.Fatalf("%d blocks are free, %v", left.Bfree, err)
	}
}

// keepFull leaves no room on the disk of a folder, and takes whatever becomes
// free, until the room is given back: a server frees some itself as it replaces
// objects.
func keepFull(t *testing.T, folder string) (makeRoom func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	enough, filled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(filled)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, block := range []int{1 << 20, 4 << 10} {
				for err := error(nil); err == nil; {
					_, err = f.Write(make([]byte, block))
				}
			}
			select {
			case <-tick.C:
			case <-enough:
				return
			}
		}
	}()
	stop := sync.OnceFunc(func() {
		close(enough)
		<-filled
		if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// empty gives the room back.
func empty(t *testing.T, folder string) {
	t.Helper()
	if err := os.Remove(filepath.Join(folder, "filler")); err != nil {
		t.Fatal(err)
	}
}

// renamed is the store's URL with another host for its endpoint.
func renamed(t *testing.T, address, host string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	endpoint, err := url.Parse(query.Get("endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint.Host = host
	query.Set("endpoint", endpoint.String())
	u.RawQuery = query.Encode()
	return u.String()
}
