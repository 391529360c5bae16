package doctor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/doctor"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/submission"
)

const password = "hunter2-is-the-password"

// site is a whole system that a test then breaks, and what is looked at.
type site struct {
	doctor.Config
	t     *testing.T
	redis *miniredis.Miniredis
	api   api.Config
	s3    *s3mem.Backend

	stopServing func() // the API
}

// newSite starts every service, in this process.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, redis: miniredis.RunT(t), s3: s3mem.New()}
	s.answerInfo("7.0.15", "noeviction")
	s.Services = services.Config{
		Redis: []string{s.redis.Addr()}, Kafka: []string{servicestest.Kafka(t, kfake.ClusterID("first"))},
		Store:       "s3://traces/team?style=path&endpoint=" + servicestest.S3(t, s.s3),
		StoreAccess: services.StoreAccess{Key: "key", Secret: password}, Wait: 20 * time.Second,
	}
	s.Nonce, s.Now, s.Version, s.Numerics = func() string { return strings.Repeat("a1", 16) }, time.Now, "v1", numerics.Version
	store, err := s.Services.OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.api = api.Config{
		Store: store, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler), Version: "v1",
		Wake: func() {}, Nonce: s.Nonce, NewID: func(name string) job.ID { return job.ID(name + "-1") },
	}
	s.serve("")
	return s
}

// serve starts the coordinator's API; the doctor has the token.
func (s *site) serve(token string) {
	s.t.Helper()
	server := httptest.NewServer(api.NewServer(s.api))
	s.t.Cleanup(server.Close)
	s.stopServing = server.Close
	var err error
	s.Address = server.URL
	if s.Server, err = api.NewClient(server.URL, api.Access{Token: services.Secret(token)}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.Server.Close)
}

// connect joins the deployment as a daemon does, with the settings of now.
func (s *site) connect() *services.Connections {
	s.t.Helper()
	conns, err := s.Services.Connect(s.t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conns.Close() })
	return conns
}

// submit makes a job whose spec has more lines.
func (s *site) submit(lines string) job.Definition {
	s.t.Helper()
	decoded, err := spec.Decode("job.yaml", []byte(`name: sums
steps: 3
policy: {kind: linear, features: 4}
agent: {url: "http://127.0.0.1:7000/rollouts"}
tasks: {data: train.jsonl, groups: 2}
optimizer: {learning_rate: 0.5}
`+lines))
	if err != nil {
		s.t.Fatal(err)
	}
	def, _, err := submission.Submit(s.t.Context(), s.api.Store, submission.Request{
		Spec: decoded, ID: "sums-1", At: time.Now(), Files: map[string][]byte{spec.RoleTasks: []byte("{}\n{}\n")},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return def
}

// answerInfo makes Redis tell its version and policy, or what else it is asked.
func (s *site) answerInfo(version, policy string, answers ...string) {
	s.redis.Server().SetPreHook(func(p *server.Peer, command string, args ...string) bool {
		for i := 0; i < len(answers); i += 2 {
			if command == answers[i] {
				p.WriteError(answers[i+1])
				return true
			}
		}
		if command != "INFO" {
			return false
		}
		switch strings.ToLower(strings.Join(args, "")) {
		case "server":
			p.WriteBulk("# Server\r\nredis_version:" + version + "\r\n")
		case "memory":
			p.WriteBulk("# Memory\r\nmaxmemory_policy:" + policy + "\r\n")
		default:
			return false
		}
		return true
	})
}

// traces is everything that lies in the services.
func (s *site) traces() []string {
	s.t.Helper()
	all := slices.Clone(s.redis.Keys())
	for info, err := range s.api.Store.List(s.t.Context(), "", "") {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

// run looks at the site. It fails the test if anything is left behind, a secret
// told, or a finding not told in full.
func (s *site) run() map[string]doctor.Finding {
	s.t.Helper()
	before := s.traces()
	var told []doctor.Finding
	all, err := doctor.Run(s.t.Context(), s.Config, func(f doctor.Finding) { told = append(told, f) })
	if err != nil {
		s.t.Fatal(err)
	}
	if !slices.Equal(all, told) {
		s.t.Errorf("told were %+v, returned %+v", told, all)
	}
	if after := s.traces(); !slices.Equal(before, after) {
		s.t.Errorf("left behind: before %q, after %q", before, after)
	}
	found := map[string]doctor.Finding{}
	for _, f := range all {
		found[f.Check] = f
		if f.Found == "" || (f.Status == doctor.Fail || f.Status == doctor.Warning) && f.Remedy == "" {
			s.t.Errorf("not told in full: %+v", f)
		}
		if strings.Contains(fmt.Sprintf("%+v", f), password) {
			s.t.Errorf("a secret is told: %+v", f)
		}
	}
	return found
}

// careless makes the site's store one that ignores conditions.
func (s *site) careless() {
	s.t.Helper()
	head, endpoint, _ := strings.Cut(s.Services.Store, "endpoint=")
	to, err := url.Parse(endpoint)
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("If-None-Match")
		r.Out.Header.Del("If-Match")
	}})
	s.t.Cleanup(server.Close)
	s.Services.Store = head + "endpoint=" + server.URL
}

// topic creates a topic with settings of its own.
func (s *site) topic(conns *services.Connections, name string, partitions int, retention time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := conns.Log.Create(ctx, name, partitions, retention); err != nil {
		s.t.Fatal(err)
	}
}
