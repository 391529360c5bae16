package traces_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/traces"
)

// deliver spreads messages over the partitions, each once or more often, in any
// order.
func deliver(t *rapid.T, b *bench, messages []message) {
	most := rapid.IntRange(1, 3).Draw(t, "most copies")
	var copies []message
	for _, m := range messages {
		for range rapid.IntRange(1, most).Draw(t, "copies") {
			copies = append(copies, m)
		}
	}
	for _, m := range rapid.Permutation(copies).Draw(t, "order") {
		b.log.put(rapid.IntRange(0, len(b.log.bounds)-1).Draw(t, "partition"), m.key, m.frame)
	}
}

func plain(tb fataler, r round) traces.Assembled {
	b := newBench(tb, 1)
	for _, m := range r.messages(b.topic.Codec) {
		b.log.put(0, m.key, m.frame)
	}
	_, all := b.collect(tb, r, false)
	return all
}

func TestOrderPartitionsAndDuplicatesChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRound(rapid.IntRange(1, 3).Draw(t, "groups"), 0)
		want := plain(t, r)
		b := newBench(t, rapid.IntRange(1, 4).Draw(t, "partitions"))
		deliver(t, b, r.messages(b.topic.Codec))
		found, got := b.collect(t, r, false)
		if len(found.Losses)+len(got.Losses) > 0 {
			t.Fatalf("losses %v %v", found.Losses, got.Losses)
		}
		if !reflect.DeepEqual(got.Outcomes, want.Outcomes) || !reflect.DeepEqual(got.Traces, want.Traces) {
			t.Fatalf("got %+v, want %+v", got.Outcomes, want.Outcomes)
		}
		for i, o := range got.Outcomes {
			if o.Reason != "" || !reflect.DeepEqual(got.Traces[i].Events, r.events[i]) {
				t.Fatalf("%+v has events %v", o, got.Traces[i].Events)
			}
		}
		if c := got.Counts; c.Events != want.Counts.Events || found.Counts.Records != c.Events+c.Duplicates {
			t.Fatalf("counts %+v of %+v", c, found.Counts)
		}
	})
}

// Each planned rollout is named: whole, or lost, or incomplete once its
// attempts are spent. What happens to one says nothing about the others.
func TestDroppedEventsAreNamedAndHurtNobodyElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRound(rapid.IntRange(1, 3).Draw(t, "groups"), 0)
		want := plain(t, r)
		b := newBench(t, rapid.IntRange(1, 3).Draw(t, "partitions"))
		var kept []message
		hurt := map[int]int{}
		for _, m := range r.messages(b.topic.Codec) {
			if rapid.IntRange(0, 9).Draw(t, "drop") == 0 {
				hurt[m.place]++
				continue
			}
			kept = append(kept, m)
		}
		deliver(t, b, kept)
		parts, _, err := b.topic.ExtractAll(t.Context(), r.collection(), b.ranges(t))
		if err != nil {
			t.Fatal(err)
		}
		lost := map[int]bool{}
		for _, l := range r.assemble(t, b.topic.Codec, false, parts).Losses {
			if l.Kind != job.LostPromised {
				t.Fatalf("loss %+v", l)
			}
			lost[r.plan.Index(l.Group, l.Rollout)] = true
		}
		all := r.assemble(t, b.topic.Codec, true, parts)
		for place, o := range all.Outcomes {
			if lost[place] != (hurt[place] > 0) {
				t.Fatalf("rollout %d: loss reported %v, events dropped %d", place, lost[place], hurt[place])
			}
			switch {
			case hurt[place] == 0 && !reflect.DeepEqual(o, want.Outcomes[place]):
				t.Fatalf("rollout %d is %+v, was %+v", place, o, want.Outcomes[place])
			case hurt[place] > 0 && o.Reason != job.IncompleteTrace:
				t.Fatalf("rollout %d lacks %d events and is %+v", place, hurt[place], o)
			case hurt[place] > 0 && all.Traces[place].Events != nil:
				t.Fatalf("rollout %d left a trace", place)
			}
		}
	})
}

// Shards see the same outcomes as one pass over everything.
func TestAssembleShardsTogetherGiveWhatOneGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRound(rapid.IntRange(1, 5).Draw(t, "groups"), rapid.IntRange(1, 3).Draw(t, "groups a shard"))
		want := plain(t, newRound(len(r.plan.Tasks), 0))
		b := newBench(t, 2)
		deliver(t, b, r.messages(b.topic.Codec))
		buckets := make([][][]byte, r.plan.Shards(job.Assemble))
		for _, around := range b.ranges(t) {
			_, err := b.topic.Extract(t.Context(), r.collection(), around, keepIn(buckets))
			if err != nil {
				t.Fatal(err)
			}
		}
		var outcomes []job.Outcome
		for shard, parts := range buckets {
			from, to := r.plan.Span(job.Assemble, shard)
			all, err := traces.Assemble(b.topic.Codec, traces.Assembly{
				Collection: r.collection(), From: from, To: to, Features: features, Spent: func(int, int) bool { return true },
			}, parts)
			if err != nil {
				t.Fatal(err)
			}
			outcomes = append(outcomes, all.Outcomes...)
		}
		if !reflect.DeepEqual(outcomes, want.Outcomes) {
			t.Fatalf("got %+v, want %+v", outcomes, want.Outcomes)
		}
	})
}

func TestExtractionIsRepeatable(t *testing.T) {
	t.Parallel()
	r := newRound(3, 1)
	b := newBench(t, 1)
	for _, m := range r.messages(b.topic.Codec) {
		b.log.put(0, m.key, m.frame)
	}
	around := b.ranges(t)[0]
	var runs [2][][][]byte
	for i := range runs {
		runs[i] = make([][][]byte, 3)
		if _, err := b.topic.Extract(t.Context(), r.collection(), around, keepIn(runs[i])); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(runs[0]) != fmt.Sprint(runs[1]) || len(bytes.Join(runs[0][2], nil)) == 0 {
		t.Fatal("parts differ")
	}
}
