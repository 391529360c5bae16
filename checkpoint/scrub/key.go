package scrub

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Kind says what an object is.
type Kind string

// The kinds of objects.
const (
	KindDefinition Kind = "definition"
	KindDataSet    Kind = "data set"
	KindControl    Kind = "control"
	KindEntry      Kind = "log entry"
	KindHead       Kind = "head"
	KindPlan       Kind = "plan"
	KindOpened     Kind = "opening markers"
	KindRanges     Kind = "ranges"
	KindRollout    Kind = "rollout record"
	KindExtract    Kind = "extract record"
	KindCollect    Kind = "collect record"
	KindTerms      Kind = "gradient terms"
	KindGradient   Kind = "gradient record"
	KindDriver     Kind = "driver record"
	KindRedrive    Kind = "redrive record"
	KindAnswers    Kind = "reward answers"
	KindResult     Kind = "evaluation"
	KindManifest   Kind = "manifest"
	KindTensor     Kind = "tensor"
	KindBatch      Kind = "batch"
	KindLedger     Kind = "ledger"
	KindPart       Kind = "extract part"
	KindPin        Kind = "pin"
	KindPruned     Kind = "pruning mark"
	KindContent    Kind = "content"
	KindOther      Kind = "object"
)

// name is what the key of an object says of it.
type name struct {
	kind   Kind
	format string      // of a sealed record; empty for content
	digest blob.Digest // of content
	shard  job.Shard   // of a settled record
	n      int         // of a log entry
}

var (
	inJob    = regexp.MustCompile(`^(?:g(\d{20})|evals/([0-9a-f]{64}))/(.+)$`)
	settled  = regexp.MustCompile(`^settled/(?:(\d{20})\.(\d{20})\.)?(\d{20})/([a-z]+(?:\.\d{20}\.\d{20})?)-(\d{20})\.json$`)
	numbered = regexp.MustCompile(`^(log|control)/(\d{20})\.json$`)
	marked   = regexp.MustCompile(`^(pins|pruned)/([0-9a-f]{64})\.json$`)
	content  = regexp.MustCompile(`^(?:data|steps/\d{20}|blobs)/([0-9a-f]{64})$`)
)

// nameOf reads a key of a job's folder. What is no key of ours is KindOther.
func nameOf(id job.ID, key string) name {
	rest := strings.TrimPrefix(key, id.Prefix())
	switch rest {
	case "spec.json":
		return name{kind: KindDefinition, format: job.DefinitionFormat}
	case "head.json":
		return name{kind: KindHead, format: job.HeadFormat}
	}
	if m := numbered.FindStringSubmatch(rest); m != nil {
		if m[1] == "control" {
			return name{kind: KindControl, format: job.ControlFormat}
		}
		return name{kind: KindEntry, format: job.EntryFormat, n: number(m[2])}
	}
	if m := marked.FindStringSubmatch(rest); m != nil {
		if m[1] == "pins" {
			return name{kind: KindPin, format: job.PinFormat}
		}
		return name{kind: KindPruned, format: job.PrunedFormat}
	}
	u := job.Unit{Job: id}
	if m := inJob.FindStringSubmatch(rest); m != nil {
		rest, u.Eval = m[3], blob.Digest(m[2])
		if m[1] != "" {
			u.Generation = number(m[1])
		}
	}
	if m := content.FindStringSubmatch(rest); m != nil {
		kind := KindContent
		if strings.HasPrefix(rest, "data/") {
			kind = KindDataSet
		}
		return name{kind: kind, digest: blob.Digest(m[1])}
	}
	if m := settled.FindStringSubmatch(rest); m != nil {
		if m[1] != "" {
			u.Step, u.Round = number(m[1]), number(m[2])
		}
		return settledName(job.Shard{Unit: u, Collection: number(m[3]), Phase: job.Phase(m[4]), Index: number(m[5])})
	}
	return recordName(rest)
}

func settledName(s job.Shard) name {
	switch s.Phase.Kind() {
	case job.Rollout:
		return name{kind: KindRollout, format: job.RolloutFormat, shard: s}
	case job.Extract:
		return name{kind: KindExtract, format: job.ExtractFormat, shard: s}
	case job.Collect, job.Assemble:
		return name{kind: KindCollect, format: job.CollectFormat, shard: s}
	case job.Updating:
		return name{kind: KindGradient, format: job.GradientFormat, shard: s}
	}
	return name{kind: KindOther}
}

// recordName is the name of the other records of a generation or an evaluation.
func recordName(rest string) name {
	if !strings.HasSuffix(rest, ".json") {
		return name{kind: KindOther}
	}
	folder, _, _ := strings.Cut(rest, "/")
	switch folder {
	case "plans", "plan.json":
		return name{kind: KindPlan, format: job.PlanFormat}
	case "opened":
		return name{kind: KindOpened, format: job.OpenedFormat}
	case "ranges":
		return name{kind: KindRanges, format: job.RangesFormat}
	case "updates":
		return name{kind: KindTerms, format: job.TermsFormat}
	case "drivers":
		return name{kind: KindDriver, format: job.DriverFormat}
	case "rewards":
		return name{kind: KindAnswers, format: job.AnswersFormat}
	case "redrives":
		return name{kind: KindRedrive, format: job.RedriveFormat}
	case "result.json":
		return name{kind: KindResult, format: job.ResultFormat}
	}
	return name{kind: KindOther}
}

// number reads decimal digits; what is too large is -1.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
