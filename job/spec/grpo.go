package spec

// GRPO is the mathematics of the update.
type GRPO struct {
	Algorithm       string          `json:"algorithm" default:"grpo" enum:"grpo,dapo,dr_grpo,bnpo" doc:"loss and aggregation"`
	ClipLow         float64         `json:"clip_low" default:"0.2" min:"0" max:"1" doc:"ratios are clipped below 1 - clip_low"`
	ClipHigh        float64         `json:"clip_high" default:"0.2" min:"0" max:"1000" doc:"ratios are clipped above 1 + clip_high"`
	KL              KL              `json:"kl" doc:"penalty for leaving the reference policy"`
	Advantage       Advantage       `json:"advantage" doc:"from rewards to advantages"`
	ZeroVariance    string          `json:"zero_variance" default:"drop" enum:"drop,keep" doc:"groups whose rewards are all equal"`
	MinGroup        int             `json:"min_group" default:"2" min:"2" max:"1024" doc:"usable rollouts that a group needs"`
	DynamicSampling DynamicSampling `json:"dynamic_sampling" doc:"further draws when groups teach nothing"`
	Epochs          int             `json:"epochs" default:"1" min:"1" max:"100" doc:"passes over a step's batch"`
	Minibatches     int             `json:"minibatches" default:"1" min:"1" max:"10000" doc:"optimizer steps per epoch, of whole groups"`
}

// KL is the penalty for leaving the reference policy.
type KL struct {
	Coefficient float64 `json:"coefficient" default:"0" min:"0" max:"1000" doc:"weight of the penalty; 0: none"`
	Reference   string  `json:"reference" default:"initial" enum:"initial" doc:"the reference policy; initial: the weights of step 0"`
}

// Advantage says how the rewards of a group become advantages.
type Advantage struct {
	Scale   string  `json:"scale" default:"group" enum:"group,none,batch" doc:"divide by the standard deviation of the group, of the batch, or not"`
	Epsilon float64 `json:"epsilon" default:"0.0001" min:"0" max:"1" doc:"added to the standard deviation"`
}

// DynamicSampling draws further rounds of rollouts within a step.
type DynamicSampling struct {
	Rounds    int `json:"rounds" default:"1" min:"1" max:"10" doc:"draws per step, at most"`
	MinGroups int `json:"min_groups" min:"1" max:"100000" unset:"tasks.groups, if rounds is above 1" doc:"no further draw once so many groups teach something"`
}

// ScheduleConstant is the only schedule that does not depend on the number of steps.
const ScheduleConstant = "constant"

// Optimizer takes gradients to weights.
type Optimizer struct {
	Kind         string   `json:"kind" default:"adam" enum:"adam,adamw,sgd" doc:"first-order optimizer"`
	LearningRate float64  `json:"learning_rate" required:"yes" above:"0" max:"1000" doc:"step size, before the schedule"`
	Beta1        float64  `json:"beta1" default:"0.9" min:"0" below:"1" when:"kind=adam,adamw" doc:"decay of the mean of gradients"`
	Beta2        float64  `json:"beta2" default:"0.999" min:"0" below:"1" when:"kind=adam,adamw" doc:"decay of the mean of squared gradients"`
	Epsilon      float64  `json:"epsilon" default:"1e-08" above:"0" max:"1" when:"kind=adam,adamw" doc:"added to the root of the mean square"`
	Momentum     float64  `json:"momentum" default:"0" min:"0" below:"1" when:"kind=sgd" doc:"decay of the running sum of gradients"`
	WeightDecay  float64  `json:"weight_decay" default:"0" min:"0" max:"1" doc:"added to the gradient per weight; adamw: apart from it"`
	MaxGradNorm  float64  `json:"max_grad_norm" default:"1" min:"0" max:"1000000" doc:"longer gradients are scaled to it; 0: off"`
	Schedule     Schedule `json:"schedule" doc:"the learning rate over the steps"`
}

// Schedule is the learning rate over the steps.
type Schedule struct {
	Kind   string  `json:"kind" default:"constant" enum:"constant,linear,cosine" doc:"after the warm-up: constant, or down to the floor at the last step"`
	Warmup int     `json:"warmup" default:"0" min:"0" max:"1000000" doc:"steps in which the rate rises linearly"`
	Floor  float64 `json:"floor" default:"0" min:"0" max:"1" when:"kind=linear,cosine" doc:"share of the rate that is left at the last step"`
}
