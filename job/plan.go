package job

import "github.com/cohort-rl/cohort/blob"

// PolicyRef names the weights that a plan's rollouts use.
type PolicyRef struct {
	// Manifest is the checkpoint's id; Weights is the digest in policy URLs.
	Manifest blob.Digest `json:"manifest"`
	Weights  blob.Digest `json:"weights"`
	// Entry is the log entry that says where the checkpoint's blobs lie.
	Entry int `json:"entry"`
}

// A Plan lists the rollouts of a unit: group First+i attempts line Tasks[i] of
// data set Data, Rollouts times.
type Plan struct {
	Format   string      `json:"format"`
	Unit     Unit        `json:"unit"`
	Policy   PolicyRef   `json:"policy"`
	Data     blob.Digest `json:"data"`
	First    int         `json:"first"`
	Tasks    []int       `json:"tasks"`
	Rollouts int         `json:"rollouts"`
	// Greedy makes the policy choose its most likely candidate.
	Greedy bool   `json:"greedy,omitempty"`
	Layout Layout `json:"layout"`
	// Offline says that the rollouts are drawn from threads that the data set
	// holds: there are no rollout shards, no ranges, and one collect shard.
	Offline bool `json:"offline,omitempty"`
}

// Planned is the number of rollouts.
func (p *Plan) Planned() int { return len(p.Tasks) * p.Rollouts }

// At is the group and the rollout of planned rollout i, 0 <= i < Planned.
func (p *Plan) At(i int) (group, rollout int) {
	return p.First + i/p.Rollouts, i % p.Rollouts
}

// Index is the place of a rollout in the plan, or -1 if it is not planned.
func (p *Plan) Index(group, rollout int) int {
	i := group - p.First
	if i < 0 || i >= len(p.Tasks) || rollout < 0 || rollout >= p.Rollouts {
		return -1
	}
	return i*p.Rollouts + rollout
}

// A Layout says how a unit's work is cut into shards. It follows from the spec
// and from what is planned, never from the workers that happen to live.
type Layout struct {
	// PerRollout is the number of rollouts in a rollout shard (the last may hold fewer).
	PerRollout int `json:"per_rollout"`
	Partitions int `json:"partitions"`
	// PerAssemble is the number of groups in an assemble shard; 0 means that
	// one collect shard extracts and assembles everything.
	PerAssemble int `json:"per_assemble,omitempty"`
}

// LayoutOf cuts groups of rollouts into shards: perRollout rollouts a shard,
// and one collect shard if all rollouts fit into perCollect, else as many whole
// groups in an assemble shard as fit.
func LayoutOf(groups, rollouts, partitions, perRollout, perCollect int) Layout {
	l := Layout{PerRollout: perRollout, Partitions: partitions}
	if groups*rollouts > perCollect {
		l.PerAssemble = max(1, perCollect/rollouts)
	}
	return l
}

// Shards is the number of shards of a phase.
func (p *Plan) Shards(phase Phase) int {
	switch phase {
	case Rollout:
		return ceil(p.Planned(), p.Layout.PerRollout)
	case Collect:
		return 1
	case Extract:
		return p.Layout.Partitions
	case Assemble:
		if p.Layout.PerAssemble == 0 {
			return 0
		}
		return ceil(len(p.Tasks), p.Layout.PerAssemble)
	case Updating: // follows from the groups that are used
	}
	return 0
}

// Span is the range of planned rollouts [from, to) that a rollout, collect or
// assemble shard covers.
func (p *Plan) Span(phase Phase, index int) (from, to int) {
	switch phase {
	case Rollout:
		return index * p.Layout.PerRollout, min(p.Planned(), (index+1)*p.Layout.PerRollout)
	case Assemble:
		size := p.Layout.PerAssemble * p.Rollouts
		return index * size, min(p.Planned(), (index+1)*size)
	case Collect, Extract:
		return 0, p.Planned()
	case Updating:
	}
	return 0, 0
}

// AssembleShardOf is the assemble shard that a group belongs to.
func (p *Plan) AssembleShardOf(group int) int { return (group - p.First) / p.Layout.PerAssemble }

// CollectPhases are the phases that follow the rollouts, in order.
func (p *Plan) CollectPhases() []Phase {
	if p.Layout.PerAssemble == 0 {
		return []Phase{Collect}
	}
	return []Phase{Extract, Assemble}
}

func ceil(n, by int) int { return (n + by - 1) / by }
