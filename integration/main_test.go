//go:build services

package integration_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(envCommitter); what != "" {
		os.Exit(committer(what))
	}
	if what := os.Getenv(envDriver); what != "" {
		os.Exit(drive(what))
	}
	if address := os.Getenv(envLimited); address != "" {
		os.Exit(limited(address))
	}
	if text := os.Getenv(envRecorder); text != "" {
		os.Exit(runTask(text))
	}
	flag.Int("kills", 1, "how often each kind of process is killed")
	flag.Int("commits", 25, "commits of each process that races for a log")
	flag.Duration("soak", 0, "for how long processes prune the checkpoints of the same jobs")
	flag.Int("races", 200, "histories of writers that race on each store")
	flag.Int("producer-kills", 5, "how often a producer of telemetry is killed")
	flag.Int("events", 2000, "events of each of eight producers through each fault of Kafka")
	flag.Int("weather", 6, "seconds that what a job needs stays away")
	flag.Int("outage", 1, "seconds that Kafka is stopped for")
	flag.Bool("losses", false, "take each service from a job too, for good or for a while; that takes minutes")
	flag.Parse()
	os.Exit(run(m))
}

// run puts the programs on PATH, so that all tests find them, and names Go's
// caches, so that commands of the README find them from another home.
func run(m *testing.M) int {
	remove, err := programs.OnPath(context.Background(), "cmd/cohort", "cmd/coordinator", "cmd/worker")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		if err == nil {
			err = os.Setenv(name, strings.TrimSpace(string(value)))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// kills is how often each kind of process is killed.
func kills() int { return number("kills") }

// number is the value of a flag.
func number(name string) int { return flag.Lookup(name).Value.(flag.Getter).Get().(int) }

// losses says whether tests run that take each service from a job.
func losses() bool { return flag.Lookup("losses").Value.(flag.Getter).Get().(bool) }
