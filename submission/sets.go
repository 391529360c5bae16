package submission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/dataset"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
)

// sets are a request's data sets.
type sets struct {
	bodies  [][]byte    // of all
	threads job.DataSet // of an offline job alone
	tasks   job.DataSet
	eval    job.DataSet // none without an evaluation
}

// readSets checks the data sets; what is wrong with them is of type spec.Errors.
func readSets(s *spec.Spec, files map[string][]byte) (*sets, error) {
	var found sets
	var wrong spec.Errors
	if all, ok := errors.AsType[spec.Errors](reward.Check("", s.Reward, nil)); ok {
		wrong = all
	}
	known := map[string]bool{}
	for _, file := range spec.Files(s) {
		known[file.Role] = true
		body, ok := files[file.Role]
		if !ok && file.Role == spec.RoleEval && file.Path == s.Tasks.Data {
			body, ok = files[spec.RoleTasks]
		}
		if !ok {
			wrong = append(wrong, &spec.Error{File: file.Path, Field: file.Role + ".data", Message: "the data set was not sent with the spec"})
			continue
		}
		set, err := dataset.Parse(file.Path, body)
		if err != nil {
			wrong = append(wrong, dataError(file, err))
			continue
		}
		found.bodies = append(found.bodies, body)
		described := job.DataSet{Blob: blob.Ref{Digest: set.Digest, Size: int64(len(body))}, Lines: len(set.Lines)}
		switch file.Role {
		case spec.RoleTasks:
			found.tasks = described
		case spec.RoleEval:
			found.eval = described
		case spec.RoleThreads:
			found.threads = described
		}
	}
	for _, role := range []string{spec.RoleTasks, spec.RoleEval, spec.RoleThreads} {
		if _, sent := files[role]; sent && !known[role] {
			wrong = append(wrong, &spec.Error{Field: role, Message: "a data set was sent that the spec does not name"})
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return &found, nil
}

// dataError is what is wrong with a data set, as an error of the spec's field.
func dataError(file spec.File, err error) *spec.Error {
	wrong := &spec.Error{File: file.Path, Field: file.Role + ".data", Message: err.Error()}
	if line, ok := errors.AsType[*dataset.LineError](err); ok {
		wrong.Line, wrong.Message = line.Line, line.Err.Error()
	}
	return wrong
}

// record is what is kept of the request.
func (s *sets) record(r Request) (*record, error) {
	training, err := r.Spec.TrainingDigest(s.tasks.Blob.Digest)
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(struct {
		Format  string      `json:"format"`
		Tasks   blob.Digest `json:"tasks"`
		Eval    blob.Digest `json:"eval"`
		Threads blob.Digest `json:"threads,omitempty"`
		Spec    *spec.Spec  `json:"spec"`
	}{recordFormat, s.tasks.Blob.Digest, s.eval.Blob.Digest, s.threads.Blob.Digest, r.Spec})
	if err != nil {
		return nil, fmt.Errorf("digest the spec: %w", err)
	}
	return &record{
		Format: recordFormat,
		Digest: blob.DigestOf(content),
		Job: job.Definition{
			Format: job.DefinitionFormat, ID: r.ID, At: r.At.UTC().Truncate(time.Millisecond),
			Spec: r.Spec, Training: training, Tasks: s.tasks, Eval: s.eval, Threads: s.threads,
		},
	}, nil
}

// differs names the first field in which two submissions differ, or none.
func (k *record) differs(other *record) string {
	if k.Digest == other.Digest {
		return ""
	}
	if field := spec.FirstDifference(k.Job.Spec, other.Job.Spec); field != "" {
		return field
	}
	switch {
	case k.Job.Tasks != other.Job.Tasks:
		return "the content of tasks.data"
	case k.Job.Eval != other.Job.Eval:
		return "the content of eval.data"
	case k.Job.Threads != other.Job.Threads:
		return "the content of traces.offline.source"
	}
	return "" // the digest is that of another version's format
}

// put stores the data sets under the job.
func (s *sets) put(ctx context.Context, b blob.Bucket, id job.ID) error {
	for _, body := range s.bodies {
		if _, err := blob.PutContent(ctx, b, id.DataKey(blob.DigestOf(body)), body); err != nil {
			return fmt.Errorf("store a data set: %w", err)
		}
	}
	return nil
}
