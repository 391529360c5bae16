package profile

import (
	"cmp"
	"slices"
	"time"
)

// Cost is what the requests of one kind took.
type Cost struct {
	Who, Method, Class string
	// PerStep is how many there were in a step, Mean the time of one.
	PerStep float64
	Mean    time.Duration
}

// Costs are the costs of the requests that began within the steps, the largest
// sum first. Requests run at once, so their sum may exceed the steps' time.
func Costs(requests []Request, steps []Step) []Cost {
	if len(steps) == 0 {
		return nil
	}
	last := steps[len(steps)-1]
	from, to := steps[0].Began, last.Began.Add(last.Time)
	type kind struct{ who, method, class string }
	type sum struct {
		count int
		time  time.Duration
	}
	sums := map[kind]sum{}
	for _, r := range requests {
		if r.Began.Before(from) || !r.Began.Before(to) {
			continue
		}
		k := kind{r.Who, r.Method, Class(r.Key)}
		s := sums[k]
		sums[k] = sum{s.count + 1, s.time + r.Ended.Sub(r.Began)}
	}
	costs := make([]Cost, 0, len(sums))
	for k, s := range sums {
		costs = append(costs, Cost{
			Who: k.who, Method: k.method, Class: k.class,
			PerStep: float64(s.count) / float64(len(steps)), Mean: s.time / time.Duration(s.count),
		})
	}
	slices.SortFunc(costs, func(a, b Cost) int {
		return cmp.Or(cmp.Compare(b.total(), a.total()), cmp.Compare(a.Who+a.Method+a.Class, b.Who+b.Method+b.Class))
	})
	return costs
}

func (c Cost) total() float64 { return c.PerStep * float64(c.Mean) }
