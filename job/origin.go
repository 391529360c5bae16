package job

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/cohort-rl/cohort/blob"
)

// An Origin says which checkpoint of which job another job was started from,
// and how. Its text is in the begin of that job's log.
type Origin struct {
	Mode       string
	Checkpoint blob.Digest
	Job        ID
	Step       int
}

var origin = regexp.MustCompile(`^([a-z]+) checkpoint ([0-9a-f]{64}) of job ([a-z0-9][a-z0-9-]{0,63}), step ([0-9]+)$`)

// String is the origin's text.
func (o Origin) String() string {
	return fmt.Sprintf("%s checkpoint %s of job %s, step %d", o.Mode, o.Checkpoint, o.Job, o.Step)
}

// ParseOrigin reads what String wrote; ok is false for anything else.
func ParseOrigin(text string) (o Origin, ok bool) {
	m := origin.FindStringSubmatch(text)
	if m == nil {
		return Origin{}, false
	}
	step, err := strconv.Atoi(m[4])
	return Origin{Mode: m[1], Checkpoint: blob.Digest(m[2]), Job: ID(m[3]), Step: step}, err == nil
}
