package job

// Fate is what became of a planned rollout. Each has exactly one.
type Fate string

// The fates. used + dropped + failed = planned, always.
const (
	Used    Fate = "used"
	Dropped Fate = "dropped"
	Failed  Fate = "failed"
)

// Reason is why a rollout was dropped or failed; empty for a used one.
type Reason string

// Reasons for dropping, in the order in which they are looked for.
const (
	IncompleteTrace Reason = "incomplete trace"
	CorruptTrace    Reason = "corrupt trace"
	StalePolicy     Reason = "stale policy"
	NoReward        Reason = "no reward"
	RewardFailed    Reason = "reward failed"
	InvalidReward   Reason = "invalid reward"
	NoDecision      Reason = "no decision"
	GroupTooSmall   Reason = "group too small"
	ZeroVariance    Reason = "zero-variance group"
	Surplus         Reason = "surplus"
	JobEnded        Reason = "job ended"
)

// Reasons for failing.
const (
	AgentError   Reason = "agent error"
	AgentTimeout Reason = "agent timed out"
	AgentCrashed Reason = "agent crashed"
)

// FateOf is the fate that a reason stands for.
func FateOf(r Reason) Fate {
	switch r {
	case "":
		return Used
	case AgentError, AgentTimeout, AgentCrashed:
		return Failed
	case IncompleteTrace, CorruptTrace, StalePolicy, NoReward, RewardFailed, InvalidReward, NoDecision,
		GroupTooSmall, ZeroVariance, Surplus, JobEnded, NoThread:
		return Dropped
	}
	return Dropped
}

// Totals counts the fates of some planned rollouts.
type Totals struct {
	Planned int `json:"planned"`
	Used    int `json:"used"`
	Dropped int `json:"dropped"`
	Failed  int `json:"failed"`
}

// Add counts one rollout with the fate that r stands for.
func (t *Totals) Add(r Reason) {
	t.Planned++
	switch FateOf(r) {
	case Used:
		t.Used++
	case Dropped:
		t.Dropped++
	case Failed:
		t.Failed++
	}
}

// Plus is the sum of two totals.
func (t Totals) Plus(u Totals) Totals {
	return Totals{t.Planned + u.Planned, t.Used + u.Used, t.Dropped + u.Dropped, t.Failed + u.Failed}
}
