package doctor_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/cmd/internal/doctor"
	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/telemetry"
)

func TestWholeSystemPassesEveryCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, begun := range []bool{false, true} { // before and after the first daemon
		found := s.run()
		if len(found) != 13 {
			t.Errorf("%d checks were made: %+v", len(found), found)
		}
		for name, f := range found {
			early := !begun && (name == "binding" || name == "kafka: topics of jobs")
			if early && f.Status != doctor.Skipped || !early && f.Status != doctor.OK {
				t.Errorf("begun %t: %+v", begun, f)
			}
		}
		conns := s.connect()
		def := s.submit("traces: {partitions: 2, retention: 24h}\n")
		s.topic(conns, def.Topic(conns.Deployment.TopicPrefix()), 2, 24*time.Hour)
	}
}

// Each fault is set up in a whole system, and is found by the check that it is
// of. No other check fails for it.
func TestEachFaultIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breaks func(s *site)
		check  string
		status doctor.Status
		says   []string
	}{
		"wrong credentials": {
			func(s *site) { s.Services.StoreAccess.Key = "another" },
			"store", doctor.Fail,
			[]string{"InvalidAccessKeyId", "--store-access-key and --store-secret-key"},
		},
		"wrong bucket": {
			func(s *site) { s.Services.Store = strings.Replace(s.Services.Store, "traces", "nowhere", 1) },
			"store", doctor.Fail,
			[]string{"no such bucket", "--store"},
		},
		"no store": {
			func(s *site) { s.Services.Store = "s3://traces?style=path&endpoint=http://127.0.0.1:1" },
			"store", doctor.Fail,
			[]string{"does not answer", "start it, or name another with --store"},
		},
		"missing folder": {
			func(s *site) { s.Services.Store = "file:///nowhere/at/all" },
			"store", doctor.Fail,
			[]string{"there is no such folder", "--store"},
		},
		"no conditional writes": {
			(*site).careless,
			"store: conditional writes", doctor.Fail,
			[]string{"If-None-Match", "name another with --store"},
		},
		"no Redis": {
			func(s *site) { s.Services.Redis = []string{"127.0.0.1:1"} },
			"redis", doctor.Fail,
			[]string{"Redis at 127.0.0.1:1 does not answer", "--redis"},
		},
		"old Redis": {
			func(s *site) { s.answerInfo("5.0.14", "noeviction") },
			"redis", doctor.Fail,
			[]string{"version 5.0.14, and Cohort needs 6.2", "upgrade it"},
		},
		"wrong Redis password": {
			func(s *site) {
				s.redis.RequireAuth(password)
				s.Services.RedisPassword = "wrong"
			},
			"redis", doctor.Fail,
			[]string{"refuses the login", "--redis-password"},
		},
		"replica": {
			func(s *site) {
				s.answerInfo("7.0.15", "noeviction", "SET", "READONLY You can't write against a read only replica.")
			},
			"redis: writes", doctor.Fail,
			[]string{"is a replica", "--redis"},
		},
		"Redis that forgets": {
			func(s *site) { s.answerInfo("7.0.15", "allkeys-lru") },
			"redis: eviction", doctor.Warning,
			[]string{"allkeys-lru", "noeviction"},
		},
		"no Kafka": {
			func(s *site) { s.Services.Kafka = []string{"127.0.0.1:1"} },
			"kafka", doctor.Fail,
			[]string{"Kafka at 127.0.0.1:1 does not answer", "--kafka"},
		},
		"wrong Kafka password": {
			func(s *site) {
				s.Services.Kafka = []string{servicestest.Kafka(s.t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "cohort", password))}
				s.Services.KafkaSecurity = telemetry.Security{SASL: "scram-sha-256", User: "cohort", Password: "wrong"}
			},
			"kafka", doctor.Fail,
			[]string{"--kafka-user and --kafka-password"},
		},
		"topic with too few partitions": {
			func(s *site) {
				s.topic(s.connect(), "shared", 1, 0)
				s.submit("traces: {topic: shared, partitions: 4}\n")
			},
			"kafka: topics of jobs", doctor.Fail,
			[]string{"job sums-1", "shared has 1 partitions, the job wants 4", "traces.partitions"},
		},
		"topic that forgets too early": {
			func(s *site) {
				s.topic(s.connect(), "shared", 4, time.Hour)
				s.submit("traces: {topic: shared, partitions: 4, retention: 48h}\n")
			},
			"kafka: topics of jobs", doctor.Fail,
			[]string{"keeps events for 1h", "traces.retention"},
		},
		"topic that is gone": {
			func(s *site) {
				s.connect()
				def := s.submit("")
				entry := job.Entry{Format: job.EntryFormat, Kind: job.KindBegin, Begin: new(job.Begin)}
				if err := records.Overwrite(s.t.Context(), s.api.Store, def.ID.LogKey(0), entry); err != nil {
					s.t.Fatal(err)
				}
			},
			"kafka: topics of jobs", doctor.Warning,
			[]string{"job sums-1", "is gone"},
		},
		"bucket of a deployment on another Redis": {
			func(s *site) {
				s.connect()
				s.redis = miniredis.RunT(s.t)
				s.answerInfo("7.0.15", "noeviction")
				s.Services.Redis = []string{s.redis.Addr()}
			},
			"binding", doctor.Fail,
			[]string{"belongs to a deployment on Redis", "--rebind"},
		},
		"bucket of a deployment on another Kafka": {
			func(s *site) {
				s.connect()
				s.Services.Kafka = []string{servicestest.Kafka(s.t, kfake.ClusterID("second"))}
			},
			"binding", doctor.Fail,
			[]string{"belongs to a deployment on Kafka", "--kafka"},
		},
		"Redis that lost its data": {
			func(s *site) { s.connect(); s.redis.FlushAll() },
			"binding", doctor.Warning,
			[]string{"has lost its data"},
		},
		"clock that is wrong": {
			func(s *site) { s.redis.SetTime(time.Now().Add(time.Hour)) },
			"clocks", doctor.Warning,
			[]string{"Redis +35", "NTP"},
		},
		"no coordinator": {
			func(s *site) { s.stopServing() },
			"coordinator", doctor.Fail,
			[]string{"no server answers at", "--server"},
		},
		"no coordinator, and nobody named one": {
			func(s *site) { s.stopServing(); s.Default = true },
			"coordinator", doctor.Skipped,
			[]string{"no server answers at", "start one"},
		},
		"missing token": {
			func(s *site) { s.api.Token = password; s.serve("") },
			"coordinator", doctor.Fail,
			[]string{"asks for a token", "--token-file"},
		},
		"wrong token": {
			func(s *site) { s.api.Token = password; s.serve("not-the-password") },
			"coordinator", doctor.Fail,
			[]string{"token is not the server's", "--token-file"},
		},
		"coordinator with other numerics": {
			func(s *site) { s.Numerics = "cohort-0" },
			"coordinator", doctor.Fail,
			[]string{"numerics cohort-0", "same version"},
		},
		"coordinator of another version": {
			func(s *site) { s.Version = "v2" },
			"coordinator", doctor.Warning,
			[]string{"version v1", "version v2"},
		},
		"worker with other numerics": {
			func(s *site) {
				s.connect()
				s.submit("")
				s.api.Refusals = func(context.Context, job.ID) ([]queue.Refusal, error) {
					return []queue.Refusal{{Worker: "worker-7", Reason: "the job computes with numerics cohort-0"}}, nil
				}
				s.serve("")
			},
			"workers", doctor.Fail,
			[]string{"worker-7 refuses the shards of job sums-1", "cohort-0", "version"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			test.breaks(s)
			found := s.run()
			f := found[test.check]
			if f.Status != test.status {
				t.Errorf("%+v, want %s", f, test.status)
			}
			for _, text := range test.says {
				if !strings.Contains(f.Found+" -> "+f.Remedy, text) {
					t.Errorf("%q is not in %+v", text, f)
				}
			}
			for other, f := range found {
				if other != test.check && f.Status == doctor.Fail {
					t.Errorf("another check fails: %+v", f)
				}
			}
		})
	}
}

func TestServiceThatNeverAnswersCostsNoMoreThanTheWait(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	s := newSite(t)
	s.Services.Redis, s.Services.Kafka = []string{silent.Addr().String()}, []string{silent.Addr().String()}
	s.Services.Wait = time.Second
	began := time.Now()
	found := s.run()
	if took := time.Since(began); took > time.Minute { // 13 checks of a second, on a busy machine
		t.Errorf("it took %s", took)
	}
	for _, name := range []string{"redis", "kafka"} {
		if f := found[name]; f.Status != doctor.Fail || !strings.Contains(f.Found, "does not answer") {
			t.Errorf("%+v", f)
		}
	}
}

func TestEndOfTheContextEndsTheChecks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	made := 0
	_, err := doctor.Run(ctx, s.Config, func(doctor.Finding) { made++; cancel() })
	if err == nil || made != 1 {
		t.Errorf("%d checks were made (%v)", made, err)
	}
}
