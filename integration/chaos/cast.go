package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cast is Cohort's processes, and the agent, on which no faults come.
type cast struct {
	bin, logs string
	services  *services
	begins    chan begun // what begins, as long as somebody waits for it
	report    *report

	agent        *program
	agentURL     string
	coordinators []*program
	workers      []*program
}

func newCast(bin, logs string, s *services, r *report) *cast {
	return &cast{bin: bin, logs: logs, services: s, begins: make(chan begun), report: r}
}

func (c *cast) program(name, path string, args ...string) *program {
	env := []string{"TMPDIR=" + c.temporary()}
	for _, variable := range slices.Sorted(maps.Keys(c.services.values)) {
		env = append(env, variable+"="+c.services.values[variable])
	}
	return &program{name: name, path: filepath.Join(c.bin, path), args: args, env: env, logs: c.logs, begins: c.begins, exists: c.report.exists}
}

// start starts the agent, the coordinators and the workers.
func (c *cast) start(coordinators, workers int) error {
	c.agent = c.program("agent", "cohort", "example-agent", "--listen", "127.0.0.1:0")
	if err := c.agent.start(); err != nil {
		return err
	}
	if err := c.findAgent(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.temporary(), 0o700); err != nil {
		return err
	}
	debug := []string{"--log-level", "debug", "--wait", "150s", "--metrics-listen", "127.0.0.1:0"}
	for n := range coordinators {
		p := c.program(fmt.Sprintf("coordinator-%d", n+1), "coordinator", append(debug, "--listen", "127.0.0.1:0")...)
		c.coordinators = append(c.coordinators, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	for n := range workers {
		p := c.program(fmt.Sprintf("worker-%d", n+1), "worker", append(debug, "--name", fmt.Sprintf("worker-%d", n+1), "--shards", "4", "--store-cache", "16")...)
		c.workers = append(c.workers, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	return nil
}

// findAgent reads where the agent said that it listens.
func (c *cast) findAgent() error {
	log, err := os.ReadFile(filepath.Join(c.logs, "agent.log"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		if _, url, ok := strings.Cut(line, "listens on "); ok {
			c.agentURL = strings.TrimSuffix(strings.TrimSpace(url), ".")
			return nil
		}
	}
	return errors.New("the agent did not say where it listens")
}

// stop ends all of them.
func (c *cast) stop(failed bool) error {
	all := append(slices.Concat(c.workers, c.coordinators), c.agent)
	var failures []error
	for _, p := range all {
		if p == nil {
			continue
		}
		if err := p.stop(); err != nil && !failed {
			failures = append(failures, fmt.Errorf("%w; see %s", err, filepath.Join(p.logs, p.name+".log")))
		}
	}
	return errors.Join(failures...)
}
