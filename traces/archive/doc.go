// Package archive keeps threads in object storage, so that jobs can run after
// the log has forgotten them: Parquet files that Python reads, in folders by the
// day (UTC) on which their threads began, each named by the SHA-256 of its
// content:
//
//	archive/2026-11-22/3a7bd3e2....parquet
//
// A row is a thread (docs/formats.md has the columns), with all messages that it
// was made of: an archive is a source again, and what is collected from it is
// what was archived. The same threads in the same order give the same files, so
// archiving again adds nothing.
package archive

import (
	"fmt"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Prefix is what the keys of an archive begin with.
const Prefix = "archive/"

const suffix = ".parquet"

// key is where a file lies.
func key(day string, body []byte) string {
	return Prefix + day + "/" + string(blob.DigestOf(body)) + suffix
}

// parse takes a key apart.
func parse(key string) (day string, digest blob.Digest, err error) {
	rest, ok := strings.CutPrefix(key, Prefix)
	day, name, found := strings.Cut(rest, "/")
	name, parquet := strings.CutSuffix(name, suffix)
	if !ok || !found || !parquet {
		return "", "", fmt.Errorf("%s is no file of an archive", key)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil && day != undated {
		return "", "", fmt.Errorf("%s is no file of an archive: its folder is no day", key)
	}
	if digest, err = blob.ParseDigest(name); err != nil {
		return "", "", fmt.Errorf("%s is no file of an archive: %w", key, err)
	}
	return day, digest, nil
}
