package submission

import (
	"fmt"
	"regexp"

	"github.com/cohort-rl/cohort/job"
)

// CheckKey refuses, with ErrInvalidKey, what is no idempotence key: that is 1 to
// 255 visible ASCII characters.
func CheckKey(key string) error {
	if !regexp.MustCompile(`^[!-~]{1,255}$`).MatchString(key) {
		return fmt.Errorf("%w: use 1 to 255 letters, digits and signs of ASCII, without spaces", ErrInvalidKey)
	}
	return nil
}

// key is where the submission lies.
func (r Request) key() (string, error) {
	if _, err := job.ParseID(string(r.ID)); err != nil {
		return "", err
	}
	if r.Key == "" {
		return job.SubmissionKey("id " + string(r.ID)), nil // no key has a space
	}
	return job.SubmissionKey(r.Key), CheckKey(r.Key)
}
