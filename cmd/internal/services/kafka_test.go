package services_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
	"github.com/cohort-rl/cohort/trust/trusttest"
)

func TestSecuredKafkaLetsInWhoHasUserPasswordAndAuthority(t *testing.T) {
	t.Parallel()
	settings, ca := trusttest.Server(t)
	for flag, mechanism := range map[string]string{"plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			c := whole(t)
			c.Kafka = []string{"127.0.0.1:1", servicestest.Kafka(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "cohort", password), kfake.TLS(settings))}
			c.KafkaSecurity.SASL, c.KafkaSecurity.User, c.KafkaSecurity.PasswordFile, c.KafkaSecurity.CA = flag, "cohort", secretFile(t), ca
			connected(t, c)

			// This broker hangs up without a word; see the next test for one that talks.
			wrong := c
			wrong.KafkaSecurity.PasswordFile, wrong.KafkaSecurity.Password, wrong.Wait = "", "wrong", time.Hour
			says(t, faulty(t, wrong), "Kafka at 127.0.0.1:1, 127.0.0.1:", "check --kafka-user and --kafka-password")

			stranger := c
			stranger.KafkaSecurity.CA, stranger.KafkaSecurity.TLS, stranger.Wait = "", true, time.Hour
			says(t, refused(t, stranger), "certificate that is not trusted", "--kafka-ca")
		})
	}
}

// faulty says what is wrong with Kafka, asked once, which may change with time.
func faulty(t *testing.T, c services.Config) string {
	t.Helper()
	log, err := c.OpenKafka(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, err = c.CheckKafka(t.Context(), log)
	fault, ok := errors.AsType[*services.Fault](err)
	if !ok || fault.Lasting || strings.Contains(err.Error(), password) {
		t.Fatalf("error is %v", err)
	}
	return err.Error()
}

func TestKafkaIsRefusedAtOnceWithTheRemedy(t *testing.T) {
	t.Parallel()
	reason := "Authentication failed during authentication due to invalid credentials"
	for name, test := range map[string]struct {
		request kmsg.Request
		answer  kmsg.Response
		want    []string
	}{
		"wrong credentials": {
			&kmsg.SASLAuthenticateRequest{}, &kmsg.SASLAuthenticateResponse{ErrorCode: 58, ErrorMessage: &reason},
			[]string{"refuses the login", reason, "--kafka-user and --kafka-password"},
		},
		"another mechanism": {
			&kmsg.SASLHandshakeRequest{}, &kmsg.SASLHandshakeResponse{ErrorCode: 33},
			[]string{"does not take logins by scram-sha-256", "--kafka-sasl"},
		},
		"no login at all": {
			&kmsg.SASLHandshakeRequest{}, &kmsg.SASLHandshakeResponse{ErrorCode: 34},
			[]string{"does not take logins by scram-sha-256", "take it away"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "cohort", password))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Close)
			broker.ControlKey(test.request.Key(), func(request kmsg.Request) (kmsg.Response, error, bool) {
				broker.KeepControl()
				test.answer.SetVersion(request.GetVersion())
				return test.answer, nil, true
			})
			c := whole(t)
			c.Kafka, c.Wait = broker.ListenAddrs(), time.Hour // it must not be waited for
			c.KafkaSecurity.SASL, c.KafkaSecurity.User, c.KafkaSecurity.Password = "scram-sha-256", "cohort", password
			says(t, refused(t, c), append(test.want, "Kafka at "+c.Kafka[0])...)
		})
	}
}

func TestKafkaThatWantsMoreIsNamed(t *testing.T) {
	t.Parallel()
	settings, _ := trusttest.Server(t)
	for name, options := range map[string][]kfake.Opt{
		"a login": {kfake.EnableSASL(), kfake.Superuser("PLAIN", "cohort", password)},
		"TLS":     {kfake.TLS(settings)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := whole(t)
			c.Kafka = []string{servicestest.Kafka(t, options...)}
			says(t, faulty(t, c), "Kafka at "+c.Kafka[0]+" does not answer", "set --kafka-tls and --kafka-sasl")
		})
	}
}
