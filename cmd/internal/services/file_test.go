package services_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/services"
)

// program is what the flags of a daemon look like.
type program struct {
	services.Config     `embed:""`
	services.ConfigFile `embed:""`

	Hide bool `hidden:""`
}

// parse parses a command line, with a config file of this content if it is not
// empty.
func parse(t *testing.T, file string, args ...string) (program, string, error) {
	t.Helper()
	var p program
	var help strings.Builder
	parser, err := kong.New(&p, kong.Name("program"), kong.Writers(&help, &help), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "cohort.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	_, err = parser.Parse(args)
	return p, help.String(), err
}

func TestFlagGoesBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	t.Setenv("COHORT_REDIS", "environment:6379")
	t.Setenv("COHORT_KAFKA_USER", "environment")
	p, _, err := parse(t, `
redis: file:6379       # the environment says otherwise
kafka: [one:9092, two:9092]
kafka-user: file
kafka-sasl: plain
kafka-password: file
kafka-tls: true
store: file:///from/file
wait: 3s
redis-db: 5
`, "--wait", "7s")
	if err != nil {
		t.Fatal(err)
	}
	if p.Redis[0] != "environment:6379" || p.KafkaSecurity.User != "environment" {
		t.Errorf("the environment did not go before the file: %v, %s", p.Redis, p.KafkaSecurity.User)
	}
	if p.Wait != 7*time.Second {
		t.Errorf("the flag did not go before the file: %s", p.Wait)
	}
	if strings.Join(p.Kafka, " ") != "one:9092 two:9092" || !p.KafkaSecurity.TLS || p.Store != "file:///from/file" || p.RedisDB != 5 {
		t.Errorf("the file did not go before the defaults: %+v", p)
	}
}

func TestEnvironmentNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cohort.yaml")
	if err := os.WriteFile(path, []byte("store: file:///from/file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COHORT_CONFIG", path)
	p, _, err := parse(t, "")
	if err != nil || p.Store != "file:///from/file" || p.Redis[0] != "127.0.0.1:6379" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWrongConfigFileIsRefusedByLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"unknown key":     {"store: file:///x\nredis-pasword: x", []string{"line 2", "redis-pasword is no setting", "the nearest is redis-password"}},
		"underscores":     {"kafka_sasl: plain", []string{"the nearest is kafka-sasl"}},
		"the file itself": {"config: other.yaml", []string{"config is no setting"}},
		"hidden":          {"hide: true", []string{"hide is no setting"}},
		"twice":           {"wait: 1s\nwait: 2s", []string{"line 2", "wait is set twice"}},
		"nothing":         {"store:", []string{"line 1", "store", "want one value or a list"}},
		"a section":       {"redis:\n  address: x", []string{"redis", "want one value or a list"}},
		"a list":          {"- store", []string{"want lines of KEY: VALUE"}},
		"two documents":   {"wait: 1s\n---\nwait: 2s", []string{"more than one document"}},
		"no YAML":         {"wait: [", []string{"--config"}},
		"no duration":     {"wait: soon\nstore: file:///x", []string{"--wait", "soon"}},
		"too large":       {"# " + strings.Repeat("x", 1<<20), []string{"more than 1048576 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := parse(t, test.file)
			if err == nil {
				t.Fatal("it was read")
			}
			says(t, err.Error(), test.want...)
		})
	}
	if _, _, err := parse(t, "", "--config", "/nowhere.yaml"); err == nil || !strings.Contains(err.Error(), "--config /nowhere.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestEmptyConfigFileSetsNothing(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"\n", "# nothing\n", "---\n"} {
		if p, _, err := parse(t, file, "--store", "file:///x"); err != nil || p.Store != "file:///x" {
			t.Errorf("%q: %+v, %v", file, p, err)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Setenv("COHORT_REDIS_PASSWORD", password)
	t.Setenv("COHORT_KAFKA_PASSWORD", password)
	p, help, err := parse(t, "store: s3://traces\nstore-access-key: key\nkafka-sasl: plain\nkafka-user: agent\nstore-secret-key: "+password, "--help")
	if err != nil {
		t.Fatal(err)
	}
	if p.RedisPassword.Reveal() != password || p.KafkaSecurity.Password.Reveal() != password || p.StoreAccess.Secret.Reveal() != password {
		t.Fatal("the secrets did not arrive")
	}
	var text strings.Builder
	text.WriteString(help)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&text, verb+" "+verb+" "+verb+"\n", p, &p, p.RedisPassword)
	}
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	text.Write(body)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)} {
		slog.New(handler).Info("started", "config", p, "password", p.RedisPassword)
	}
	if strings.Contains(text.String(), password) || strings.Contains(text.String(), fmt.Sprintf("%x", password)) {
		t.Errorf("a secret is in:\n%s", text.String())
	}
	says(t, text.String(), "[redacted]", "--redis-password=SECRET")
}
