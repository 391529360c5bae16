package spec

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/cohort-rl/cohort/blob"
)

// trainingFormat names the layout of the bytes that TrainingDigest hashes.
const trainingFormat = "cohort.training/1"

// TrainingDigest returns the SHA-256 of what changes the mathematics of s: the
// fields marked training, the digest of the tasks' data set and, if the
// schedule of the learning rate depends on it, the number of steps. Jobs of
// equal training digest can continue each other's checkpoints. Names,
// endpoints, limits, traces and evaluation are not in it.
func (s *Spec) TrainingDigest(tasks blob.Digest) (blob.Digest, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"format":%q,"tasks":%q,`, trainingFormat, tasks)
	if s.Optimizer.Schedule.Kind != ScheduleConstant {
		fmt.Fprintf(&b, `"steps":%d,`, s.Steps)
	}
	b.WriteString(`"spec":`)
	if err := writeJSON(&b, table(), reflect.ValueOf(s).Elem(), true); err != nil {
		return "", fmt.Errorf("digest training: %w", err)
	}
	b.WriteByte('}')
	return blob.DigestOf(b.Bytes()), nil
}
