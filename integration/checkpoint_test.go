//go:build services

package integration_test

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The checkpoints of a job in a bucket are listed, followed back, verified and
// replayed with the commands that do so in a folder, and a flipped byte of one
// is named while the others are still listed.
func TestCheckpointsInABucketAreVerifiedAndReplayed(t *testing.T) {
	t.Parallel()
	const steps = 3
	r := begin(t, realServices(t), 1, steps)
	head := r.done(t)
	id, last := string(r.id), string(head.Checkpoint)
	for _, c := range []struct {
		wanted string
		args   []string
	}{
		{last[:12], []string{"list", id}},
		{last[:12], []string{"lineage", id}},
		{"4 of 4 checkpoints are good", []string{"verify", id, "--deep"}},
		{"All 4 ids match.", []string{"replay", id, "--all"}},
	} {
		if out, code := r.services.checkpoint(t, c.args...); code != 0 || !strings.Contains(out, c.wanted) {
			t.Errorf("checkpoint %s: exit code %d, want 0 and %q in\n%s", strings.Join(c.args, " "), code, c.wanted, out)
		}
	}
	key := r.flip(t, last)
	if out, code := r.services.checkpoint(t, "verify", id, "--deep"); code != 1 || !strings.Contains(out, path.Base(key)) {
		t.Errorf("verify with a corrupt %s: exit code %d\n%s", key, code, out)
	}
	out, code := r.services.checkpoint(t, "list", id)
	if whole := strings.Count(out, " good "); code != 0 || whole != steps || !strings.Contains(out, key) {
		t.Errorf("list with a corrupt %s: exit code %d\n%s", key, code, out)
	}
}

// flip flips a byte of the manifest of a checkpoint, and returns its key.
func (r *trial) flip(t *testing.T, manifest string) (key string) {
	t.Helper()
	for info, err := range r.store.List(t.Context(), r.id.Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if path.Base(info.Key) == manifest {
			key = info.Key
		}
	}
	object, err := r.store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	r.services.corrupt(t, key, object.Body)
	return key
}

// corrupt stores an object with a byte flipped, past the client that would refuse
// to store what its name does not say.
func (s services) corrupt(t *testing.T, key string, body []byte) {
	t.Helper()
	at, err := url.Parse(s["COHORT_STORE"])
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(at.Query().Get("endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: credentials.NewStaticV4(s["AWS_ACCESS_KEY_ID"], s["AWS_SECRET_ACCESS_KEY"], "")})
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.Clone(body)
	body[len(body)/2] ^= 1
	name := path.Join(strings.TrimPrefix(at.Path, "/"), key)
	if _, err := client.PutObject(t.Context(), at.Host, name, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// checkpoint runs a command of cohort checkpoint on the store.
func (s services) checkpoint(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	run := exec.CommandContext(t.Context(), "cohort", append([]string{"checkpoint"}, args...)...)
	run.Env = append(os.Environ(), s.environment()...)
	said, err := run.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(said), run.ProcessState.ExitCode()
}
