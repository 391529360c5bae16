package threads

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Stats are what a set of threads holds, counted.
type Stats struct {
	Traces  int `json:"traces"`
	Threads int `json:"threads"`
	Tally
	Counts
	// States has every state that occurs with every reason, the best first.
	States []StateCount `json:"states"`
	// Tasks has every group of threads of one task, the largest first, then by
	// name; threads without a task are in none.
	Tasks []TaskGroup `json:"tasks"`
	// Histogram has the rewards in ranges of equal width.
	Histogram []Bin `json:"reward_histogram,omitempty"`
	// RewardMean is over all rewards.
	RewardMean *float64 `json:"reward_mean,omitempty"`
	// Libraries are those that recorded the threads.
	Libraries []LibraryCount `json:"libraries"`
}

// StateCount says how many threads are in a state for a reason.
type StateCount struct {
	State   State  `json:"state"`
	Reason  string `json:"reason,omitempty"`
	Threads int    `json:"threads"`
}

// TaskGroup is the threads of one task.
type TaskGroup struct {
	Task    string `json:"task"`
	From    string `json:"task_from"`
	Threads int    `json:"threads"`
	// Complete are those of them that are complete, Rewarded those that have a
	// reward.
	Complete int `json:"complete"`
	Rewarded int `json:"rewarded"`
	// Mean is that of the threads' rewards, each thread's being their sum.
	Mean *float64 `json:"reward_mean,omitempty"`
}

// Bin counts the rewards in [From, To), the last one with To.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// LibraryCount says how many threads a library has a part in.
type LibraryCount struct {
	Library string `json:"library"`
	Threads int    `json:"threads"`
}

// RewardValues are the rewards of a thread that are numbers, in its order.
func (t *Thread) RewardValues() []float64 {
	var all []float64
	t.Walk(func(n *Node) {
		for _, r := range n.Rewards {
			if r.Fault == "" {
				all = append(all, r.Value)
			}
		}
	})
	return all
}

// Count counts threads and what was read for them.
func Count(all []Thread, tally Tally) Stats {
	s := Stats{Threads: len(all), Tally: tally}
	states := map[StateCount]int{}
	libraries := map[string]int{}
	groups := map[string]*TaskGroup{}
	sums := map[string]float64{}
	var rewards []float64
	for i := range all {
		t := &all[i]
		s.Traces += len(t.Traces)
		s.Counts.add(t.Counts)
		states[StateCount{State: t.State, Reason: t.Reason}]++
		for _, l := range t.Libraries {
			libraries[l]++
		}
		values := t.RewardValues()
		rewards = append(rewards, values...)
		if t.Task == "" {
			continue
		}
		g := groups[t.Task]
		if g == nil {
			g = &TaskGroup{Task: t.Task, From: t.TaskFrom}
			groups[t.Task] = g
		}
		g.Threads++
		g.Complete += one(t.State == Complete)
		g.Rewarded += one(len(values) > 0)
		sums[t.Task] += sum(values)
	}
	for c, n := range states {
		c.Threads = n
		s.States = append(s.States, c)
	}
	slices.SortFunc(s.States, func(a, b StateCount) int {
		return cmp.Or(rank(a.State)-rank(b.State), b.Threads-a.Threads, cmp.Compare(a.Reason, b.Reason))
	})
	for task, g := range groups {
		if g.Rewarded > 0 {
			mean := sums[task] / float64(g.Rewarded)
			g.Mean = &mean
		}
		s.Tasks = append(s.Tasks, *g)
	}
	slices.SortFunc(s.Tasks, func(a, b TaskGroup) int { return cmp.Or(b.Threads-a.Threads, cmp.Compare(a.Task, b.Task)) })
	for _, l := range slices.Sorted(maps.Keys(libraries)) {
		s.Libraries = append(s.Libraries, LibraryCount{l, libraries[l]})
	}
	if len(rewards) > 0 {
		mean := sum(rewards) / float64(len(rewards))
		s.RewardMean, s.Histogram = &mean, histogram(rewards)
	}
	return s
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// bins is how many ranges a histogram has.
const bins = 10

// histogram counts values in ranges of equal width from the least to the
// greatest; one range if they are all the same, or too far apart for a width.
func histogram(values []float64) []Bin {
	least, most := slices.Min(values), slices.Max(values)
	width := (most - least) / bins
	if width <= 0 || math.IsInf(width, 0) || least+width == least {
		return []Bin{{least, most, len(values)}}
	}
	out := make([]Bin, bins)
	for i := range out {
		out[i].From, out[i].To = least+float64(i)*width, least+float64(i+1)*width
	}
	out[bins-1].To = most
	for _, v := range values {
		out[min(bins-1, max(0, int((v-least)/width)))].Count++
	}
	return out
}
