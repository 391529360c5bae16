package spec

// GRPO is the mathematics of the update. docs/grpo.md has the formulas.
type GRPO struct {
	Algorithm       string          `json:"algorithm" default:"grpo" enum:"grpo,dapo,dr_grpo,bnpo,ppo_dual_clip,gspo,gspo_token,cispo,sapo,vespo,luspo,gmpo,gpg,topr,rollout_mean" doc:"the loss: a row of the table in docs/grpo.md"`
	ClipLow         *float64        `json:"clip_low" min:"0" max:"1" when:"algorithm=grpo,dapo,dr_grpo,bnpo,ppo_dual_clip,gspo,gspo_token,cispo,luspo,gmpo,rollout_mean" unset:"the algorithm's own" doc:"ratios are clipped below 1 - clip_low; of gmpo, logarithms below -clip_low"`
	ClipHigh        *float64        `json:"clip_high" min:"0" max:"1000" when:"algorithm=grpo,dapo,dr_grpo,bnpo,ppo_dual_clip,gspo,gspo_token,cispo,luspo,gmpo,rollout_mean" unset:"the algorithm's own" doc:"ratios are clipped above 1 + clip_high; of gmpo, logarithms above clip_high"`
	ClipDual        float64         `json:"clip_dual" above:"1" max:"1000000000" when:"algorithm=grpo,dapo,dr_grpo,bnpo,ppo_dual_clip,gspo,gspo_token,luspo,rollout_mean" unset:"none; of ppo_dual_clip 3" doc:"ratios are clipped above it where the advantage is negative"`
	TauPositive     float64         `json:"tau_positive" default:"1" above:"0" max:"1000" when:"algorithm=sapo" doc:"temperature where the advantage is positive"`
	TauNegative     float64         `json:"tau_negative" default:"1.05" above:"0" max:"1000" when:"algorithm=sapo" doc:"temperature where it is not"`
	ShapePositive   float64         `json:"shape_positive" default:"2" min:"0" max:"100" when:"algorithm=vespo" doc:"power of the weight where the advantage is not negative"`
	RatePositive    float64         `json:"rate_positive" default:"3" above:"0" max:"100" when:"algorithm=vespo" doc:"decay of the weight where the advantage is not negative"`
	ShapeNegative   float64         `json:"shape_negative" default:"3" min:"0" max:"100" when:"algorithm=vespo" doc:"power of the weight where the advantage is negative"`
	RateNegative    float64         `json:"rate_negative" default:"2" above:"0" max:"100" when:"algorithm=vespo" doc:"decay of the weight where the advantage is negative"`
	Aggregation     string          `json:"aggregation" enum:"token_mean,token_sum,sequence_mean,sequence_sum,sequence_sum_norm,rollout_mean" unset:"the algorithm's own" doc:"how the losses of decisions become one"`
	MaxLength       int             `json:"max_length" min:"1" max:"100000000" unset:"the longest rollout of the step" doc:"what sequence_sum_norm divides by"`
	Old             string          `json:"old" default:"recomputed" enum:"recomputed,sampling" training:"unless default" doc:"log-probabilities below the ratio: of the step's first weights, or as the agents recorded them"`
	Staleness       int             `json:"staleness" min:"0" max:"8" unset:"0: rollouts wait for the newest checkpoint" doc:"k: the rollouts of step n run under the policy of step n - 1 - k, beside the k steps before it"`
	KL              KL              `json:"kl" doc:"penalty for leaving the reference policy"`
	Correction      *Correction     `json:"correction" unset:"none" doc:"weights of samples that another policy drew"`
	Entropy         *Entropy        `json:"entropy" unset:"neither bonus nor mask" doc:"exploration"`
	Advantage       Advantage       `json:"advantage" doc:"from rewards to advantages"`
	Overlong        *Overlong       `json:"overlong" unset:"none" doc:"soft penalty of long rollouts"`
	Truncated       string          `json:"truncated" default:"keep" enum:"keep,mask" training:"unless default" doc:"rollouts that ended at a limit: learnt from, or counted in the baseline alone"`
	ZeroVariance    string          `json:"zero_variance" default:"drop" enum:"drop,keep" doc:"groups whose rewards are all equal"`
	MinGroup        int             `json:"min_group" default:"2" min:"1" max:"1024" doc:"usable rollouts that a group needs"`
	DynamicSampling DynamicSampling `json:"dynamic_sampling" doc:"further draws when groups teach nothing"`
	Epochs          int             `json:"epochs" default:"1" min:"1" max:"100" doc:"passes over a step's batch"`
	Minibatches     int             `json:"minibatches" default:"1" min:"1" max:"10000" doc:"parts of an epoch, of whole groups"`
	Accumulate      int             `json:"accumulate" default:"1" min:"1" max:"10000" training:"unless default" doc:"mini-batches whose mean gradient makes one optimizer step"`
}

// Advantage says how the rewards of a group become advantages.
type Advantage struct {
	Estimator string   `json:"estimator" default:"grpo" enum:"grpo,dr_grpo,rloo,reinforce_pp_baseline,gpg,opo,pass_at_k,maxrl,gdpo" training:"unless default" doc:"a row of the table in docs/grpo.md"`
	Scale     string   `json:"scale" enum:"group,none,batch,mean,whiten,nonzero" unset:"the estimator's own" doc:"divide by the standard deviation of the group, of the batch, not at all, or as the estimator of that scale"`
	Epsilon   *float64 `json:"epsilon" min:"0" max:"1" unset:"the estimator's own" doc:"added to the standard deviation; with whiten, to the variance"`
	DDOF      int      `json:"ddof" default:"1" min:"0" max:"1" training:"unless default" doc:"taken from n in standard deviations"`
	Singleton string   `json:"singleton" default:"nothing" enum:"nothing,formula" training:"unless default" doc:"what a group of one teaches; formula: its mean is 0, its deviation 1"`
	Equal     string   `json:"equal" default:"nothing" enum:"nothing,formula" training:"unless default" doc:"what a group of equal rewards teaches"`
}

// Overlong takes from the reward of a rollout, linearly from max_length - buffer
// decisions on, at most factor.
type Overlong struct {
	MaxLength int     `json:"max_length" required:"yes" min:"1" max:"100000000" doc:"decisions from which on the penalty is whole"`
	Buffer    int     `json:"buffer" required:"yes" min:"1" max:"100000000" doc:"decisions over which it grows"`
	Factor    float64 `json:"factor" default:"1" above:"0" max:"1000000" doc:"the whole penalty"`
}

// DynamicSampling draws further rounds of rollouts within a step.
type DynamicSampling struct {
	Rounds    int `json:"rounds" default:"1" min:"1" max:"10" doc:"draws per step, at most"`
	MinGroups int `json:"min_groups" min:"1" max:"100000" unset:"tasks.groups, if rounds is above 1" doc:"no further draw once so many groups teach something"`
}
