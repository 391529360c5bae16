package stage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// Cast is which processes run.
type Cast struct {
	// Bin is the folder of coordinator and worker; Self is the program that
	// serves the agent for -serve agent and AgentFlags.
	Bin, Self  string
	AgentFlags []string
	Workers    int
	// Shards is how many shards a worker has in hand.
	Shards int
	// Dir takes the logs.
	Dir string
}

// Cluster is Cohort as processes, with a store of its own.
type Cluster struct {
	Store blob.Bucket
	Agent string // base URL

	programs []*Program
	pids     map[string][]int
}

// Run starts the processes and returns once all of them are ready. The store is
// released when ctx ends.
func Run(ctx context.Context, s *Services, folder string, cast Cast) (c *Cluster, err error) {
	c = &Cluster{pids: map[string][]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	url, err := s.Folder(folder)
	if err != nil {
		return c, err
	}
	if c.Store, err = open.Open(ctx, url, open.Options{Create: true}); err != nil {
		return c, err
	}
	for name, pid := range s.PIDs {
		c.pids[name] = []int{pid}
	}
	services := []string{"--redis", s.Redis, "--kafka", s.Kafka, "--store", url}
	start := func(kind, ready, path string, args ...string) (*Program, error) {
		p, err := Start(ctx, cast.Dir, kind, ready, path, args...)
		if err == nil {
			c.programs = append(c.programs, p)
			c.pids[kind] = append(c.pids[kind], p.PID())
		}
		return p, err
	}
	agent, err := start("agent", "listening on ", cast.Self, append([]string{"-serve", "agent"}, cast.AgentFlags...)...)
	if err != nil {
		return c, err
	}
	c.Agent = "http://" + agent.Address()
	_, err = start("coordinator", "is ready", filepath.Join(cast.Bin, "coordinator"), append(services, "--listen", "127.0.0.1:0", "--rescan", "200ms")...)
	for i := 0; i < cast.Workers && err == nil; i++ {
		_, err = start("worker", "is ready", filepath.Join(cast.Bin, "worker"),
			append(services, "--shards", strconv.Itoa(cast.Shards), "--check", s.Check.String(), "--grace", "1s")...)
	}
	return c, err
}

// Stop ends the processes, the newest first.
func (c *Cluster) Stop() error {
	var failures []error
	for _, p := range slices.Backward(c.programs) {
		failures = append(failures, p.Stop())
	}
	return errors.Join(failures...)
}

// Said is the end of what each process said.
func (c *Cluster) Said() error {
	var all []error
	for _, p := range c.programs {
		all = append(all, fmt.Errorf("%s said:\n%s", p.Name, p.tail()))
	}
	return errors.Join(all...)
}

// Spent is the processor time of all processes by name, the servers' included.
// A process that cannot be asked counts as nothing.
func (c *Cluster) Spent() map[string]time.Duration {
	spent := map[string]time.Duration{}
	for name, pids := range c.pids {
		for _, pid := range pids {
			if d, err := Spent(pid); err == nil {
				spent[name] += d
			}
		}
	}
	return spent
}

// Submit submits a job of the load to the store of a system.
func Submit(ctx context.Context, store blob.Bucket, agent string, l Load) (job.ID, error) {
	spec, err := l.Spec(agent + "/rollouts")
	if err != nil {
		return "", err
	}
	def, _, err := submission.Submit(ctx, store, submission.Request{
		Spec: spec, ID: job.ID("bench"), At: time.Now(), Files: map[string][]byte{"tasks": l.Tasks()},
	})
	return def.ID, err
}

// Cancel ends a job and waits for its end, so that no work of it is left in
// Redis.
func Cancel(ctx context.Context, store blob.Bucket, id job.ID) error {
	if err := submission.Cancel(ctx, store, id, "the benchmark is over", "bench", time.Now()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		_, err := store.Head(ctx, id.ActiveKey())
		if errors.Is(err, blob.ErrNotFound) {
			return true, nil
		}
		return false, err
	})
}

// poll asks every 20 ms until done.
func poll(ctx context.Context, ask func() (done bool, err error)) error {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("waited too long: %w", context.Cause(ctx))
		}
	}
}
