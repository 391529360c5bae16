package job

import "fmt"

// unfit is why a settled record does not cover exactly the rollouts of its
// shard, or empty. What reads the record relies on that, whoever wrote it.
func (p *Plan) unfit(e ShardSettled) string {
	from, to := p.Span(e.Shard.Phase, e.Shard.Index)
	key := e.Shard.SettledKey()
	switch {
	case e.Rollout != nil:
		if len(e.Rollout.Executions) != to-from {
			return fmt.Sprintf("%s holds %d executions, its shard has %d rollouts", key, len(e.Rollout.Executions), to-from)
		}
		for i, x := range e.Rollout.Executions {
			if p.Index(x.Group, x.Rollout) != from+i {
				return fmt.Sprintf("%s: execution %d is of rollout %d/%d, which is not the planned one", key, i, x.Group, x.Rollout)
			}
		}
	case e.Collect != nil && len(e.Collect.Losses) == 0:
		if len(e.Collect.Outcomes) != to-from {
			return fmt.Sprintf("%s holds %d outcomes, its shard has %d rollouts", key, len(e.Collect.Outcomes), to-from)
		}
		for i := range e.Collect.Outcomes {
			o := &e.Collect.Outcomes[i]
			switch {
			case p.Index(o.Group, o.Rollout) != from+i:
				return fmt.Sprintf("%s: outcome %d is of rollout %d/%d, which is not the planned one", key, i, o.Group, o.Rollout)
			case o.Reason == "" && (o.Reward == nil || o.Sample == ""):
				return fmt.Sprintf("%s: rollout %d/%d has no reason and no sample", key, o.Group, o.Rollout)
			}
		}
	}
	return ""
}
