package scrub

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Formats and kinds of the records that belong to no job.
const (
	deploymentFormat = "cohort.deployment/1"
	bindingFormat    = "cohort.binding/1"
	submissionFormat = "cohort.submission/1"
	activeFormat     = "cohort.active/1"
	deletedFormat    = "cohort.deleted/1"

	KindDeployment Kind = "deployment"
	KindBinding    Kind = "binding"
	KindSubmission Kind = "submission"
	KindActive     Kind = "active job"
	KindDeleted    Kind = "deletion mark"
	KindQuarantine Kind = "quarantine"
)

// outer is what is known of an object outside the folders of jobs.
type outer struct {
	kind   Kind
	format string
	digest blob.Digest // of what lies in quarantine
	by     string
	how    verdict
}

var digestName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// outerOf reads a key outside the folders of jobs.
func outerOf(key string) outer {
	folder, rest, _ := strings.Cut(key, "/")
	switch {
	case key == job.DeploymentKey:
		return outer{
			KindDeployment, deploymentFormat, "", "every process of the deployment",
			verdict{how: "it names the deployment: the names of topics and of keys in Redis are made from it. Running jobs' log entries still name their topics"},
		}
	case key == job.BindingKey:
		return outer{KindBinding, bindingFormat, "", "every process that starts", verdict{true, "delete it: the next process binds the store anew"}}
	case folder == "submissions":
		return outer{KindSubmission, submissionFormat, "", "who submits with the same key again", verdict{how: "the job of it is not touched"}}
	case folder == "active":
		return outer{KindActive, activeFormat, "", "the coordinators: the key alone counts", verdict{true, "from the definition of its job"}}
	case folder == "deleted":
		return outer{KindDeleted, deletedFormat, "", "whoever looks at the job: the key alone counts", verdict{how: "nothing depends on what it says"}}
	case folder == strings.TrimSuffix(blob.QuarantinePrefix, "/") && digestName.MatchString(path.Base(rest)):
		return outer{kind: KindQuarantine, digest: blob.Digest(path.Base(rest)), how: verdict{how: "nothing depends on it"}}
	}
	return outer{kind: KindOther, how: verdict{how: "nothing depends on it"}}
}

// outside looks at the objects that belong to no job that could be scrubbed.
func outside(ctx context.Context, b blob.Bucket, depth Depth, jobs []job.ID, report *Report) error {
	r := newRun(b, "", depth)
	scrubbed := make(map[string]bool, len(jobs))
	for _, id := range jobs {
		scrubbed[string(id)] = true
	}
	for info, err := range b.List(ctx, "", "") {
		if err != nil {
			return fmt.Errorf("list the store: %w", err)
		}
		if rest, ok := strings.CutPrefix(info.Key, job.JobsPrefix); ok {
			if id, _, _ := strings.Cut(rest, "/"); scrubbed[id] {
				continue
			}
		}
		r.sizes[info.Key] = info.Size
	}
	var keys []string
	for key, size := range r.sizes {
		o := outerOf(key)
		if o.by == "" {
			report.Unreferenced.Objects++
			report.Unreferenced.Bytes += size
		}
		if o.format != "" && depth >= Records || o.digest != "" && depth >= Deep {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	err := r.each(ctx, keys, func(key string, body []byte) {
		o := outerOf(key)
		f := mismatch(key, o.kind, body, o.digest)
		if o.format != "" {
			f = unsealed(key, o.kind, o.format, body, nil)
		}
		if f != nil {
			r.found(*f)
		}
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		f := r.findings[key]
		if f == nil {
			continue
		}
		o := outerOf(key)
		f.Kind, f.Recomputable, f.How, f.ReferredBy = o.kind, o.how.possible, o.how.how, []string{}
		if o.by != "" {
			f.ReferredBy = append(f.ReferredBy, o.by)
		}
		report.Findings = append(report.Findings, *f)
	}
	return nil
}
