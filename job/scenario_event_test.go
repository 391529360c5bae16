package job_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// event reads an event:
//
//	log [begin [commit N [damaged N [to ...]] | rewind N to M | end N] | end 0] [result N]
//	prepared | entry [begin | commit N | rewind N to M | end N]   (nothing: the entry that was put)
//	plan UNIT [existed] | taken-over UNIT N | opened UNIT E
//	rollout|extract|collect|assemble UNIT E SHARD [lost WHAT G/R | OUTCOME...]
//	ranges UNIT E [lost] | updated N | result | end-prepared | retired
//	damaged N [to begin | to commit M] | went-back | lost UNIT E
//	cancel REASON... | pause REASON... | resume | tick DURATION | failed [UNIT] REASON...
//
// UNIT is step.round, or eval-N for the evaluation of step N's checkpoint.
func (s *scenario) event(name string, words []string, line string) job.Event {
	s.t.Helper()
	switch name {
	case "log":
		return s.log(words)
	case "prepared":
		return job.Prepared{Begin: s.begin}
	case "entry":
		return job.EntryRead{Entry: s.entryOf(words)}
	case "plan":
		return job.PlanRead{Plan: s.plans[words[0]], Existed: slices.Contains(words, "existed")}
	case "taken-over":
		return job.TakenOver{Unit: s.unit(words[0]), N: s.number(words[1])}
	case "opened":
		return job.OpenedRead{
			Unit: s.unit(words[0]), Collection: s.number(words[1]),
			Marks: marksNamed(&s.def, "opened-"+words[0]+"."+words[1]),
		}
	case "rollout", "extract", "collect", "assemble":
		return s.settled(job.Phase(name), words)
	case "ranges":
		return s.ranges(words)
	case "updated":
		return s.updated(s.number(words[0]))
	case "damaged":
		e := job.Damaged{Entry: s.number(words[0]), Reason: "its weights are gone"}
		if len(words) > 1 {
			e.To = s.entryOf(words[2:])
		}
		return e
	case "went-back":
		c, _ := s.goBack.To.NewCheckpoint()
		c.Folder.Generation = s.goBack.Generation
		return job.WentBack{Rewind: &job.Rewind{
			Checkpoint: c, Earlier: s.earlier(c.Step), Marks: marksNamed(&s.def, fmt.Sprint("generation-", s.goBack.Generation)),
		}}
	case "lost":
		return job.CollectionLost{Unit: s.unit(words[0]), Collection: s.number(words[1]), Loss: job.Loss{Kind: job.LostRecord, Detail: "tested"}}
	case "result":
		return job.ResultRead{Evaluation: s.result.Evaluation}
	case "end-prepared":
		return job.EndPrepared{Entry: s.finish.Entry, End: &job.End{Verdict: s.finish.Verdict, Reason: s.finish.Reason, Remedy: s.finish.Remedy}}
	case "retired":
		return job.Retired{}
	case "cancel":
		return job.CancelRead{Reason: strings.TrimPrefix(line, "cancel ")}
	case "pause":
		return job.PauseRead{Pause: &job.Pause{Reason: strings.TrimPrefix(line, "pause ")}}
	case "resume":
		return job.PauseRead{}
	case "tick":
		return job.Tick{Active: duration(s.t, words[0])}
	case "failed":
		if _, ok := s.plans[words[0]]; ok {
			return job.EffectFailed{Unit: s.unit(words[0]), Reason: strings.Join(words[1:], " ")}
		}
		return job.EffectFailed{Reason: strings.Join(words, " "), Remedy: "mend it"}
	}
	s.t.Fatalf("no event is called %q", name)
	return nil
}

func (s *scenario) number(word string) int {
	s.t.Helper()
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *scenario) unit(name string) job.Unit {
	s.t.Helper()
	if p, ok := s.plans[name]; ok {
		return p.Unit
	}
	s.t.Fatalf("no plan of unit %q was put", name)
	return job.Unit{}
}

// earlier are the checkpoints before that of a step that the steps after it are
// planned under.
func (s *scenario) earlier(step int) []job.Checkpoint {
	var all []job.Checkpoint
	for n := job.PolicyStep(step+1, s.def.Spec.GRPO.Staleness); n < step; n++ {
		all = append(all, checkpointOf(n))
	}
	return all
}

// before are the entries before the last that open steps rest on.
func (s *scenario) before(last *job.Entry) []*job.Entry {
	var all []*job.Entry
	for n := max(0, last.N-s.def.Spec.GRPO.Staleness); n < last.N && last.Commit != nil; n++ {
		if n == 0 {
			all = append(all, s.entryOf([]string{"begin"}))
		} else {
			all = append(all, s.entryOf([]string{"commit", strconv.Itoa(n)}))
		}
	}
	return all
}

func (s *scenario) log(words []string) job.LogRead {
	var e job.LogRead
	if i := slices.Index(words, "result"); i >= 0 {
		e.Results = []job.Evaluation{{Step: s.number(words[i+1]), Manifest: manifest(s.number(words[i+1])), Mean: 0.5, Scored: 2}}
		words = words[:i]
	}
	switch {
	case len(words) == 0:
	case words[0] == "begin" && slices.Contains(words, "damaged"):
		d := s.event("damaged", words[4:], "").(job.Damaged)
		e.First, e.Last, e.Damaged = s.entryOf(words[:1]), s.entryOf(words[1:3]), &d
	case words[0] == "begin" && len(words) > 1:
		e.First, e.Last = s.entryOf(words[:1]), s.entryOf(words[1:])
	default:
		e.First = s.entryOf(words)
		e.Last = e.First
	}
	if e.Last != nil {
		e.Before = s.before(e.Last)
	}
	return e
}

// entryOf is the entry that was put, or that of another driver: entry 0 begins,
// entry n commits step n, and an end is the entry after the last.
func (s *scenario) entryOf(words []string) *job.Entry {
	if len(words) == 0 {
		return s.entry
	}
	e := &job.Entry{Format: job.EntryFormat, Kind: job.Kind(words[0])}
	switch e.Kind {
	case job.KindBegin:
		e.Begin = s.begin
	case job.KindCommit:
		e.N = s.number(words[1])
		e.Commit = &job.Commit{
			Checkpoint: checkpointOf(e.N), Marks: marksNamed(&s.def, fmt.Sprint("commit-", e.N)),
			Totals: job.Totals{Planned: 4 * e.N, Used: 4 * e.N},
		}
	case job.KindRewind:
		e.N = s.number(words[1])
		e.Generation = e.N
		e.Rewind = &job.Rewind{
			To: s.number(words[3]), Checkpoint: checkpointOf(s.number(words[3])), Earlier: s.earlier(s.number(words[3])), Marks: marksNamed(&s.def, "another's"),
		}
	case job.KindEnd:
		e.N = s.number(words[1])
		e.End = &job.End{Verdict: job.Cancelled, Reason: "another's"}
	}
	return e
}

// settled is a shard's record: words are unit, collection, shard and what came
// of it. Without more every rollout answered, and rewards alternate.
func (s *scenario) settled(phase job.Phase, words []string) job.ShardSettled {
	plan := s.plans[words[0]]
	e := job.ShardSettled{Shard: job.Shard{Unit: s.unit(words[0]), Collection: s.number(words[1]), Phase: phase, Index: s.number(words[2])}}
	e.Digest = blob.DigestOf([]byte(e.Shard.String()))
	rest := words[3:]
	var losses []job.Loss
	if len(rest) > 0 && rest[0] == "lost" {
		losses = []job.Loss{{Kind: job.LossKind(rest[1]), Offset: 7, Detail: "tested"}}
		rest = nil
	}
	from, to := plan.Span(phase, e.Shard.Index)
	switch phase {
	case job.Rollout:
		e.Rollout = &job.RolloutRecord{Format: job.RolloutFormat}
		for i := from; i < to; i++ {
			x := job.Execution{Nonce: "n", Attempts: 1, Executions: 1}
			x.Group, x.Rollout = plan.At(i)
			if word := nth(rest, i-from); word != "" {
				x.Reason = job.Reason(strings.ReplaceAll(word, "_", " "))
			}
			e.Rollout.Executions = append(e.Rollout.Executions, x)
		}
	case job.Extract:
		e.Extract = &job.ExtractRecord{Format: job.ExtractFormat, Losses: losses}
	case job.Collect, job.Assemble:
		e.Collect = &job.CollectRecord{Format: job.CollectFormat, Losses: losses}
		for i := from; i < to && losses == nil; i++ {
			g, r := plan.At(i)
			e.Collect.Outcomes = append(e.Collect.Outcomes, s.outcome(g, r, nth(rest, i-from)))
		}
	}
	return e
}

// nth is word i, the last one serving for all that follow.
func nth(words []string, i int) string {
	if len(words) == 0 {
		return ""
	}
	return words[min(i, len(words)-1)]
}

// outcome is that of a word: empty, a reward, several with commas between them,
// or a reason.
func (s *scenario) outcome(group, rollout int, word string) job.Outcome {
	if strings.Contains(word, ",") {
		o := usable(group, rollout, 0)
		for i, c := range s.def.Spec.Reward.Components {
			part, err := strconv.ParseFloat(strings.Split(word, ",")[i], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			o.Rewards = append(o.Rewards, &part)
			*o.Reward += c.Weight * part
		}
		return o
	}
	switch reward, err := strconv.ParseFloat(word, 64); {
	case word == "":
		return usable(group, rollout, float64(rollout%2))
	case err == nil:
		return usable(group, rollout, reward)
	}
	return unusable(group, rollout, job.Reason(strings.ReplaceAll(word, "_", " ")))
}

func (s *scenario) ranges(words []string) job.RangesRead {
	e := job.RangesRead{Unit: s.unit(words[0]), Collection: s.number(words[1]), Ranges: &job.Ranges{Format: job.RangesFormat}}
	if slices.Contains(words, "lost") {
		e.Ranges.Losses = []job.Loss{{Kind: job.LostMarker, Offset: 7, Detail: "tested"}}
		return e
	}
	for _, m := range marksNamed(&s.def, "closed-"+words[0]+"."+words[1]) {
		e.Ranges.Ranges = append(e.Ranges.Ranges, job.Range{Closing: m})
	}
	return e
}

func (s *scenario) updated(step int) job.Updated {
	c := &job.Commit{Checkpoint: checkpointOf(step), Marks: s.update.Marks, Ledger: job.LedgerRef{Step: step, Totals: job.Count(s.update.Rows)}}
	return job.Updated{Step: step, Commit: c}
}
