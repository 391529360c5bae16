package spec

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
