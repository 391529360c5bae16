package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// services are Redis, Kafka and MinIO of this run's own, each behind a proxy.
type services struct {
	scripts, data string
	environment   []string // of the scripts
	proxies       map[string]*proxy
	values        map[string]string // what the programs are told
	direct        string            // the store, past its proxy
}

// named are the services in the order of their names.
func named() []string { return []string{"kafka", "minio", "redis"} }

// patience bounds every wait for something that ought to come soon.
const patience = 6 * time.Minute

// startServices starts them. What it returns is to be stopped, also after an
// error.
func startServices(ctx context.Context, scripts, data string) (*services, error) {
	s := &services{scripts: scripts, data: data, proxies: map[string]*proxy{}, environment: []string{"SERVICES_DATA=" + data}}
	for _, name := range named() {
		port, err := freePort(ctx)
		if err != nil {
			return s, err
		}
		if s.proxies[name], err = startProxy(name, "127.0.0.1:"+port); err != nil {
			return s, err
		}
		s.environment = append(s.environment, "SERVICES_"+strings.ToUpper(name)+"_PORT="+port)
	}
	s.environment = append(s.environment, "SERVICES_KAFKA_ADVERTISED="+s.proxies["kafka"].address())
	if err := s.up(ctx, named()...); err != nil {
		return s, err
	}
	return s, s.read()
}

// read takes from the file that up wrote what programs are told, with the
// proxies' addresses instead of the services' own.
func (s *services) read() error {
	text, err := os.ReadFile(filepath.Join(s.data, "env"))
	if err != nil {
		return err
	}
	s.values = map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			s.values[name] = strings.Trim(value, "'")
		}
	}
	store, err := url.Parse(s.values["COHORT_STORE"])
	if err != nil {
		return errors.New("the store's address is no URL")
	}
	s.direct = store.String()
	query := store.Query()
	query.Set("endpoint", "http://"+s.proxies["minio"].address())
	store.RawQuery = query.Encode()
	s.values["COHORT_STORE"] = store.String()
	s.values["COHORT_REDIS"] = s.proxies["redis"].address()
	s.values["COHORT_KAFKA"] = s.proxies["kafka"].address()
	return nil
}

// up starts those of the services that do not run.
func (s *services) up(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.script(ctx, "up", names...)
}

func (s *services) script(ctx context.Context, name string, args ...string) error {
	script := exec.CommandContext(ctx, filepath.Join(s.scripts, name), args...)
	script.Env = append(os.Environ(), s.environment...)
	if out, err := script.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, out)
	}
	return nil
}

// signal sends a signal to the process of a service.
func (s *services) signal(name string, signal syscall.Signal) error {
	record, err := os.ReadFile(filepath.Join(s.data, name, "pid"))
	if err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Sscan(string(record), &pid); err != nil {
		return fmt.Errorf("read the pid of %s: %w", name, err)
	}
	return syscall.Kill(pid, signal)
}

// stop stops them, also when ctx has ended.
func (s *services) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := s.script(ctx, "down")
	for _, name := range named() {
		if p := s.proxies[name]; p != nil {
			p.stop()
		}
	}
	return err
}

// freePort is a port at which nothing listens.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
