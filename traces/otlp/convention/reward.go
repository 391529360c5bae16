package convention

import (
	"math"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// rewards are the scores that attributes hold: one, or a list of them with
// names. A score that is there and is no finite number has a fault.
func (r *Reader) rewards(a otlp.Attributes, when time.Time) []Reward {
	for _, row := range r.rows[Score] {
		v := row.read(a, Step)
		if v == nil {
			continue
		}
		if list, ok := v.([]any); ok {
			var all []Reward
			for _, item := range list {
				if tree, ok := item.(map[string]any); ok {
					all = append(all, score(text(tree["name"]), tree["value"], when))
				}
			}
			return all
		}
		// AgentOps has an object around the number.
		if tree, ok := structure(v).(map[string]any); ok {
			v = tree["value"]
		}
		if v == nil {
			continue
		}
		return []Reward{score(r.text(a, ScoreName, Step), v, when)}
	}
	return nil
}

// NewReward is a reward with that value, or with the fault that it is no finite
// number.
func NewReward(name string, value float64, when time.Time) Reward { return score(name, value, when) }

func score(name string, v any, when time.Time) Reward {
	out := Reward{Name: name, Time: when}
	value, ok := number(v)
	if !ok || math.IsNaN(value) || math.IsInf(value, 0) {
		out.Fault = "it is " + text(v) + ", which is no finite number"
		return out
	}
	out.Value = value
	return out
}
