package job

import "github.com/cohort-rl/cohort/numerics"

// NoThread is why a planned rollout of an offline job was not drawn: its task has
// fewer threads than a group has rollouts.
const NoThread Reason = "no further thread"

// drawnDomain keeps the streams apart in which threads are drawn.
const drawnDomain = 5

// Offline says whether the job is trained from traces that exist already.
func (d *Definition) Offline() bool { return d.Spec.IsOffline() }

// Drawn are the threads that a group of an offline job is made of, of size that
// its task has: rollout i is thread Drawn[i], and there may be fewer than planned.
// None is drawn twice. It is a pure function of its arguments.
func (p *Plan) Drawn(seed uint64, group, size int) []int {
	r := numerics.NewStream(seed, drawnDomain, uint64(p.Unit.Step), uint64(p.Unit.Round), uint64(group))
	return shuffle(r, size)[:min(p.Rollouts, size)]
}
