package stage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Services are Redis, Kafka and a store.
type Services struct {
	// Name is embedded or real.
	Name                string
	Redis, Kafka, Store string
	// Check is how often an idle worker asks for shards.
	Check time.Duration
	// PIDs are the servers' processes by name, as far as they are known.
	PIDs map[string]int

	started []*Program
}

// Embedded starts Cohort's own Redis and Kafka, each in a process of its own:
// self is a program that serves one of them for the arguments -serve NAME -dir
// DIR. Their data, and the store, are in dir.
func Embedded(ctx context.Context, self, dir string) (s *Services, err error) {
	s = &Services{Name: "embedded", Check: 20 * time.Millisecond, Store: "file://" + filepath.ToSlash(dir) + "/store", PIDs: map[string]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	for name, address := range map[string]*string{"redis": &s.Redis, "kafka": &s.Kafka} {
		p, err := Start(ctx, dir, name, "listening on ", self, "-serve", name, "-dir", filepath.Join(dir, name))
		if err != nil {
			return s, err
		}
		s.started = append(s.started, p)
		s.PIDs[name] = p.PID()
		*address = p.Address()
	}
	return s, nil
}

// Address is what follows "listening on " in the line that the program said.
func (p *Program) Address() string {
	_, address, _ := strings.Cut(p.Said, "listening on ")
	return strings.TrimSpace(address)
}

// Real is what COHORT_REDIS, COHORT_KAFKA and COHORT_STORE name, and nil when
// one of them does not. Where SERVICES_DATA names the folder of services-up, the
// servers' processes are known too.
func Real(getenv func(string) string) *Services {
	s := &Services{
		Name: "real", Redis: getenv("COHORT_REDIS"), Kafka: getenv("COHORT_KAFKA"), Store: getenv("COHORT_STORE"),
		Check: 5 * time.Millisecond, PIDs: map[string]int{},
	}
	if s.Redis == "" || s.Kafka == "" || s.Store == "" {
		return nil
	}
	for _, name := range []string{"redis", "kafka", "minio"} {
		var pid int
		text, err := os.ReadFile(filepath.Join(getenv("SERVICES_DATA"), name, "pid"))
		if err != nil {
			continue
		}
		if _, err := fmt.Sscan(string(text), &pid); err == nil {
			s.PIDs[name] = pid
		}
	}
	return s
}

// Folder is a store of its own inside the services' store, and with it a
// deployment of its own: nothing in it meets anything of another.
func (s *Services) Folder(name string) (string, error) {
	u, err := url.Parse(s.Store)
	if err != nil {
		return "", errors.New("the store's address is no URL")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + name
	return u.String(), nil
}

// Stop ends the servers that Embedded started.
func (s *Services) Stop() error {
	var failures []error
	for _, p := range s.started {
		failures = append(failures, p.Stop())
	}
	return errors.Join(failures...)
}
