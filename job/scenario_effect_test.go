package job_test

import (
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// show is an effect in a line.
func show(effect job.Effect) string {
	switch e := effect.(type) {
	case job.ReadLog:
		return "read-log"
	case job.Prepare:
		return "prepare"
	case job.PutEntry:
		return fmt.Sprintf("put-entry %d %s", e.Entry.N, showEntry(&e.Entry))
	case job.PutPlan:
		return fmt.Sprintf("put-plan %s groups %d..%d under %s of entry %d", unitName(e.Plan.Unit),
			e.Plan.First, e.Plan.First+len(e.Plan.Tasks)-1, manifestName(e.Plan.Policy.Manifest), e.Plan.Policy.Entry)
	case job.Open:
		return fmt.Sprintf("open %s.%d", unitName(e.Unit), e.Collection)
	case job.Drive:
		text := fmt.Sprintf("drive %s.%d %s x%d", unitName(e.Unit), e.Collection, e.Phase, e.Count)
		if e.Resuming {
			text += ", resuming"
		}
		if e.Again {
			text += ", again"
		}
		return text
	case job.Abandon:
		return "abandon " + unitName(e.Unit)
	case job.PutRanges:
		return fmt.Sprintf("put-ranges %s.%d after %s of %d rollout records", unitName(e.Unit), e.Collection, showMarks(e.Opening), len(e.Settled))
	case job.Update:
		text := fmt.Sprintf("update %d from %s with %s%s, next after %s", e.Step,
			manifestName(e.Parent.Manifest), showTotals(job.Count(e.Rows)), showRounds(e.Rounds), showMarks(e.Marks))
		if e.Again {
			text += ", again"
		}
		return text
	case job.GoBack:
		return fmt.Sprintf("go back to entry %d in generation %d, as entry %d", e.To.N, e.Generation, e.Entry)
	case job.PutResult:
		return fmt.Sprintf("put-result %s %s", unitName(e.Unit), showEvaluation(e.Evaluation))
	case job.Finish:
		text := fmt.Sprintf("finish %s %q", e.Verdict, e.Reason)
		if e.Remedy != "" {
			text += fmt.Sprintf(" (%s)", e.Remedy)
		}
		for _, open := range e.Open {
			text += fmt.Sprintf(", step %d: %s", open.Step, showTotals(job.Count(open.Rows)))
		}
		return text
	case job.Report:
		text := fmt.Sprintf("report %s, entry %d, step %d of %d", e.Head.Stage, e.Head.Entry, e.Head.Step, e.Head.Steps)
		for _, open := range e.Head.Open {
			text += fmt.Sprintf("; %d.%d %s", open.Step, open.Round, open.Stage)
		}
		if e.Head.Paused != nil {
			text += ", paused: " + e.Head.Paused.Reason
		}
		return text
	case job.Retire:
		return "retire"
	}
	return fmt.Sprintf("%T", effect)
}

func showEntry(e *job.Entry) string {
	switch e.Kind {
	case job.KindBegin:
		return "begin with " + manifestName(e.Begin.Checkpoint.Manifest)
	case job.KindCommit:
		text := fmt.Sprintf("commit %s, in all %s", manifestName(e.Commit.Checkpoint.Manifest), showTotals(e.Commit.Totals))
		for _, p := range e.Commit.Pending {
			text += fmt.Sprintf(", due eval-%d", p.Step)
		}
		return text
	case job.KindRewind:
		text := fmt.Sprintf("rewind to entry %d in generation %d: %s; in all %s", e.Rewind.To, e.Generation, e.Rewind.Reason, showTotals(e.Rewind.Totals))
		for _, p := range e.Rewind.Pending {
			text += fmt.Sprintf(", due eval-%d by entry %d", p.Step, p.Policy.Entry)
		}
		return text
	case job.KindEnd:
		text := fmt.Sprintf("end %s %q", e.End.Verdict, e.End.Reason)
		for _, v := range e.End.Evaluations {
			text += fmt.Sprintf(", eval-%d %s", v.Step, showEvaluation(v))
		}
		return text
	}
	return string(e.Kind)
}

func showEvaluation(v job.Evaluation) string {
	if v.Incomplete != "" {
		return fmt.Sprintf("incomplete: %s", v.Incomplete)
	}
	return fmt.Sprintf("mean %g of %d", v.Mean, v.Scored)
}

func showTotals(t job.Totals) string {
	return fmt.Sprintf("%d used + %d dropped + %d failed = %d", t.Used, t.Dropped, t.Failed, t.Planned)
}

func showRounds(rounds []job.Round) string {
	text := ""
	for _, r := range rounds {
		text += fmt.Sprintf(" [%s.%d]", unitName(r.Plan.Unit), r.Collection)
	}
	return text
}

func showMarks(marks []job.Mark) string {
	names := make([]string, len(marks))
	for i, m := range marks {
		names[i] = m.Nonce
	}
	return strings.Join(names, "+")
}

func unitName(u job.Unit) string {
	if u.Eval != "" {
		return fmt.Sprintf("eval-%d", u.Step)
	}
	return fmt.Sprintf("%d.%d", u.Step, u.Round)
}

// manifestName is manifest(n) written as "checkpoint n".
func manifestName(d blob.Digest) string {
	for n := range 20 {
		if manifest(n) == d {
			return fmt.Sprintf("checkpoint %d", n)
		}
	}
	return string(d)
}
