package simulation_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestMain(m *testing.M) {
	flag.Uint64("seed", 1, "seed of the first run; the others count on from it")
	flag.Int("runs", 300, "number of runs")
	flag.Int("rots", 10, "number of runs in which objects rot")
	flag.Int("stale", 10, "number of runs of jobs with several steps open at once")
	flag.String("came", "", "where the runs leave what came of them")
	debug.SetGCPercent(400) // runs are short and their memory is small
	m.Run()
	if came := setting[string]("came"); came != "" {
		fmt.Println(came)
	}
}

func setting[T any](name string) T { return flag.Lookup(name).Value.(flag.Getter).Get().(T) }

// newCodec makes the codec of a test. It stores events as they are, so that it
// keeps no channel that would belong to one run.
func newCodec(t *testing.T) *telemetry.Codec {
	t.Helper()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// simulate does one run.
func simulate(t *testing.T, p runPlan, codec *telemetry.Codec) (o outcome, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		w := newWorld(p, codec)
		hung := w.live()
		o, err = w.judge()
		err = errors.Join(hung, err)
	})
	return o, err
}

// references are the undisturbed runs, each made when it is first asked for.
type references struct {
	codec *telemetry.Codec
	mu    sync.Mutex // guards made
	made  map[runPlan]outcome
}

func (r *references) of(t *testing.T, p runPlan) outcome {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	p = p.undisturbed()
	if o, ok := r.made[p]; ok {
		return o
	}
	o, err := simulate(t, p, r.codec)
	if err != nil {
		t.Fatalf("undisturbed run of variation %d: %v\n%s", p.variation, err, o.history)
	}
	r.made[p] = o
	return o
}

// check does one run and compares it with the undisturbed one.
func (r *references) check(t *testing.T, p runPlan) (outcome, error) {
	t.Helper()
	o, err := simulate(t, p, r.codec)
	if err == nil {
		err = o.like(r.of(t, p), p.cancel)
	}
	if err == nil && o.beside != nil {
		if err = o.beside.like(r.of(t, runPlan{variation: p.beside - 1, odd: p.odd}), false); err != nil {
			err = fmt.Errorf("the second job: %w", err)
		}
	}
	return o, err
}

func TestJobsEndAsIfNothingHadHappened(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	for v := range variations() {
		o := refs.of(t, runPlan{variation: v})
		t.Logf("variation %d: %s %s, %d checkpoints, %d picks", v, o.verdict, o.reason, len(o.chain), o.picks)
	}
	first, runs := setting[uint64]("seed"), setting[int]("runs")
	var next, failures, picks, shards atomic.Int64
	var mu sync.Mutex // guards counted
	counted := map[string]int{}
	t.Run("runs", func(t *testing.T) {
		for core := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(core), func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < int64(runs); i = next.Add(1) - 1 {
					seed := first + uint64(i)
					o, err := refs.check(t, planOf(seed))
					if err != nil {
						if failures.Add(1) <= 3 {
							t.Errorf("seed %d: %v\n%s\nto see it again: make simulate SEED=%d RUNS=1", seed, err, o.history, seed)
						} else {
							t.Errorf("seed %d: %v", seed, err)
						}
					}
					picks.Add(int64(o.picks))
					shards.Add(int64(o.shards))
					mu.Lock()
					for name, n := range o.counted {
						counted[name] += n
					}
					mu.Unlock()
				}
			})
		}
	})
	total := 0
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		total += counted[name]
		list = append(list, fmt.Sprintf("%d %s", counted[name], name))
	}
	t.Logf("faults: %s", strings.Join(list, ", "))
	t.Logf("gradient shards: %d", shards.Load())
	if runs >= 50 && shards.Load() == 0 {
		t.Error("no run had gradient shards")
	}
	came := fmt.Sprintf("%d runs from seed %d of %d picks each, %d faults injected, %d failures", runs, first, picks.Load()/int64(max(runs, 1)), total, failures.Load())
	if err := flag.Set("came", came); err != nil {
		t.Error(err)
	}
}
