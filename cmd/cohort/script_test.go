package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay/replaytest"
	"github.com/cohort-rl/cohort/results/resultstest"
	"github.com/cohort-rl/cohort/secret"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cohort": main})
}

// TestCommands runs the scripts of testdata/script. Besides testscript's own
// commands they have
//
//	server           serves the API on the store $WORK/store, at $COHORT_SERVER
//	train ID [END]   trains a job as resultstest does; END is done, failed or cancelled
//	replayable ID    makes a job of two steps whose steps can be computed again
//	damage PATTERN   flips a byte in the middle of each file of the store that matches
//	watched          waits until somebody watches a job
//	log              runs a Kafka at $KAFKA, whose topic "events" holds a thread of each kind of event
//	mixed            runs a Kafka at $KAFKA, whose topic "mixed" has OTLP, frames, and what is neither
//	deadletters FILE serves Kafka, at $KAFKA, that holds dead letters, and spills to FILE
//	bucket NAME [HEADER...]   serves a bucket, at $NAME, that overlooks these headers
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": serve, "train": train, "replayable": replayable, "damage": damage, "watched": awaitWatcher, "bucket": bucket, "log": writeLog, "deadletters": deadLetters, "mixed": writeMixed,
		},
		Setup: func(env *testscript.Env) error {
			store, err := fs.Create(filepath.Join(env.WorkDir, "store"))
			if err != nil {
				return err
			}
			env.Values[stateKey{}] = &state{store: store, watchers: make(chan struct{}, 16)}
			env.Setenv("COHORT_SERVER", "http://127.0.0.1:1") // nothing listens there
			env.Setenv("NO_PROXY", "*")
			env.Setenv("TZ", "UTC")
			env.Setenv("TERM", "xterm-256color")
			exports, err := filepath.Abs(filepath.Join("..", "..", "traces", "threads", "testdata", "otlp"))
			if err != nil {
				return err
			}
			env.Setenv("EXPORTS", exports)
			return nil
		},
	})
}

// state is what the commands of a script share.
type state struct {
	store    blob.Bucket
	watchers chan struct{}
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// noon is a clock whose hands stand still.
type noon struct{ clock.System }

func (noon) Now() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// noTopics is a Kafka that has none.
type noTopics struct{}

func (noTopics) Delete(context.Context, string) error { return nil }

func serve(ts *testscript.TestScript, _ bool, _ []string) {
	s := stateOf(ts)
	var jobs, nonces atomic.Int64
	server := api.NewServer(api.Config{
		Store: s.store, Topics: noTopics{}, Wake: func() {}, Clock: noon{}, Version: "devel",
		Nonce:  func() string { return fmt.Sprintf("%032x", nonces.Add(1)) },
		NewID:  func(name string) job.ID { return job.ID(fmt.Sprintf("%s-%d", name, jobs.Add(1))) },
		Logger: slog.New(slog.DiscardHandler),
	})
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			s.watchers <- struct{}{}
		}
		server.ServeHTTP(w, r)
	})
	plain := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = plain.Serve(listener) }()
	ts.Defer(func() { _ = plain.Close() })
	ts.Setenv("COHORT_SERVER", "http://"+listener.Addr().String())
}

func awaitWatcher(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-stateOf(ts).watchers:
	case <-time.After(30 * time.Second):
		ts.Fatalf("nobody watches")
	}
}

func train(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: train ID [END]")
	}
	ctx, store, id := context.Background(), stateOf(ts).store, job.ID(args[0])
	var end *job.End
	if len(args) > 1 {
		end = &job.End{Verdict: job.Verdict(args[1])}
		if end.Verdict == job.Broken {
			end.Reason, end.Remedy = "step 4: none of 4 rollouts has a reward", "mend the agent"
		}
	}
	j, err := resultstest.Write(ctx, store, id, end)
	ts.Check(err)
	reward := 0.75
	head := job.Head{
		Format: job.HeadFormat, Entry: resultstest.Steps, Stage: job.StageRollouts, Step: resultstest.Steps, Steps: resultstest.Steps,
		Checkpoint: j.Checkpoints[resultstest.Steps].Manifest, Totals: job.Totals{Planned: 12, Used: 6, Dropped: 3, Failed: 3},
		Metrics:     []job.Metric{{Name: "reward", Value: reward}},
		Evaluations: []job.Evaluation{{Step: 0, Manifest: j.Checkpoints[0].Manifest, Mean: 0.25, Scored: 4}},
		End:         end, At: noon{}.Now().Add(time.Minute),
	}
	if end != nil {
		head.Entry, head.Stage = resultstest.Steps+1, job.StageEnded
	}
	ts.Check(records.Overwrite(ctx, store, id.HeadKey(), head))
}

func replayable(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: replayable ID")
	}
	_, err := replaytest.Write(context.Background(), stateOf(ts).store, job.ID(args[0]), replaytest.Options{Steps: 2})
	ts.Check(err)
}

func damage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: damage PATTERN")
	}
	files, err := filepath.Glob(ts.MkAbs(filepath.Join("store", args[0])))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("nothing matches %s", args[0])
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		ts.Check(err)
		body[len(body)/2] ^= 1
		ts.Check(os.Chmod(file, 0o600))
		ts.Check(os.WriteFile(file, body, 0o600))
	}
}

func TestTokenComesFromAFileOrTheEnvironment(t *testing.T) {
	t.Setenv("COHORT_TOKEN", "from-environment")
	if token, err := (serverFlags{}).token(); err != nil || token != "from-environment" {
		t.Errorf("got %q, %v", token, err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token, err := (serverFlags{TokenFile: file}).token(); err != nil || token != "from-file" {
		t.Errorf("got %q, %v", token, err)
	}
	if err := os.WriteFile(file, make([]byte, secret.MaxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (serverFlags{TokenFile: file}).token(); err == nil {
		t.Error("a file that is too large is taken for a token")
	}
}
