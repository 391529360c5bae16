package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/secret"
)

// Whatever is set, building a client gives one or an error, and never tells the
// secret.
func FuzzNew(f *testing.F) {
	f.Add("http://127.0.0.1:9000", "bucket", "team/cohort", "us-east-1", "path", "access", int64(0))
	f.Add("https://store.example", "b", "", "", "virtual", "", int64(-1))
	f.Add("", "my.bucket", "a/../b", "eu\x00", "", "\n", int64(1))
	f.Add("https://[::1]:443", "s3.amazonaws.com", "p", "aws-global", "auto", "x", int64(1))
	f.Fuzz(func(t *testing.T, endpoint, bucket, prefix, region, style, access string, timeout int64) {
		const key = "hunter2-hunter2"
		if access == "" {
			access = "access" // without one New asks the environment, and the network on AWS
		}
		_, err := s3.New(lifetime(t), s3.Config{
			Endpoint: endpoint, Bucket: bucket, Prefix: prefix, Region: region, Style: s3.Style(style), Timeout: time.Duration(timeout),
			Credentials: s3.Credentials{AccessKey: access, SecretKey: secret.Text(key)},
		})
		if err != nil && strings.Contains(err.Error(), key) {
			t.Fatalf("%v tells the secret", err)
		}
	})
}
