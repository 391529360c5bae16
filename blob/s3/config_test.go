package s3_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/s3"
)

func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func TestWrongSettingIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	noPEM := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*s3.Config){
		"bucket":              func(c *s3.Config) { c.Bucket = "" },
		`bucket "b"`:          func(c *s3.Config) { c.Bucket = "b" },
		"endpoint":            func(c *s3.Config) { c.Endpoint = "127.0.0.1:9000" },
		"endpoint: want":      func(c *s3.Config) { c.Endpoint = "http://user:hunter2@127.0.0.1:9000" },
		"endpoint: want http": func(c *s3.Config) { c.Endpoint = "http://127.0.0.1:9000/path" },
		"style":               func(c *s3.Config) { c.Style = "host" },
		"prefix":              func(c *s3.Config) { c.Prefix = "a/../b" },
		"prefix: 200 bytes":   func(c *s3.Config) { c.Prefix = strings.Repeat("p", 200) },
		"ca: open":            func(c *s3.Config) { c.CA = noPEM + ".missing" },
		"no certificate":      func(c *s3.Config) { c.CA = noPEM },
		"credentials":         func(c *s3.Config) { c.Credentials.SecretKey = "" },
	} {
		c := config("http://127.0.0.1:9000", "")
		change(&c)
		_, err := s3.New(lifetime(t), c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error that says %q", err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v tells the password", err)
		}
	}
}

func TestSecretsPrintRedacted(t *testing.T) {
	t.Parallel()
	c := config("http://127.0.0.1:9000", "")
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(encoded), fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%s %q %x", c.Credentials, c.Credentials, c.Credentials),
	} {
		if strings.Contains(text, "secret-key") || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s tells the secret", text)
		}
	}
}

// It sets the environment, so it is not parallel.
func TestCredentialsComeFromTheEnvironment(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	c := config(serve(t), "")
	c.Credentials = s3.Credentials{}
	if _, err := s3.New(lifetime(t), c); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Fatalf("without credentials: %v, want the variables named", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "access")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-key")
	b, err := s3.New(lifetime(t), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "key", []byte("x"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
}

func TestStoreItselfPrintsNoSecret(t *testing.T) {
	t.Parallel()
	b := connect(t, "http://127.0.0.1:9000", "")
	for _, text := range []string{fmt.Sprint(b), fmt.Sprintf("%+v", b), fmt.Sprintf("%#v", b), fmt.Sprintf("%+v", *b)} {
		if strings.Contains(text, "secret-key") {
			t.Errorf("%s tells the secret", text)
		}
	}
}

// A secret must not be told by a program that panics over what holds it.
func TestPanicTellsNoSecret(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"config": config("http://127.0.0.1:9000", ""), "secret": config("", "").Credentials.SecretKey} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicsOverASecret$")
		cmd.Env = append(os.Environ(), "COHORT_S3_TEST_PANIC="+name)
		out, err := cmd.CombinedOutput()
		if err == nil || strings.Contains(string(out), "secret-key") || !strings.Contains(string(out), "panic:") {
			t.Errorf("a panic over %T: %v, %s", value, err, out)
		}
	}
}

// It is the program of TestPanicTellsNoSecret.
func TestPanicsOverASecret(t *testing.T) {
	t.Parallel()
	switch os.Getenv("COHORT_S3_TEST_PANIC") {
	case "config":
		panic(config("http://127.0.0.1:9000", ""))
	case "secret":
		panic(config("", "").Credentials.SecretKey)
	default:
		t.Skip("TestPanicTellsNoSecret runs it")
	}
}
