package traces

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/job"
)

// A promise is an offset that the log acknowledged to the agent of a rollout.
type promise struct {
	offset int64
	place  int
}

// promises are those of one partition, checked off while it is read in order.
type promises struct {
	collection Collection
	partition  int
	open       []promise
	losses     []job.Loss
}

func (c Collection) promises(partition int) *promises {
	p := &promises{collection: c, partition: partition}
	for place, e := range c.Executions {
		if e.Reason != "" {
			continue
		}
		for _, at := range e.Acknowledged {
			if at.Partition == partition {
				p.open = append(p.open, promise{at.Offset, place})
			}
		}
	}
	slices.SortFunc(p.open, func(a, b promise) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.place, b.place))
	})
	return p
}

// met checks the promises up to offset, at which lies a record of the execution
// at place (-1 if it is nobody's that counts).
func (p *promises) met(offset int64, place int) {
	for len(p.open) > 0 && p.open[0].offset <= offset {
		switch next := p.open[0]; {
		case next.offset < offset:
			p.lose(next, "nothing lies there")
		case next.place != place:
			p.lose(next, "another's record lies there")
		}
		p.open = p.open[1:]
	}
}

// broken are the losses once everything was read.
func (p *promises) broken() []job.Loss {
	for _, next := range p.open {
		p.lose(next, "it is not in the range")
	}
	p.open = nil
	return p.losses
}

func (p *promises) lose(lost promise, detail string) {
	e := p.collection.Executions[lost.place]
	p.losses = append(p.losses, job.Loss{
		Kind: job.LostOffset, Partition: p.partition, Offset: lost.offset, Group: e.Group, Rollout: e.Rollout,
		Detail: fmt.Sprintf("acknowledged to %s: %s", p.collection.thread(lost.place), detail),
	})
}
