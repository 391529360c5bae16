package spec

// KL is the penalty for leaving the reference policy.
type KL struct {
	Coefficient float64     `json:"coefficient" default:"0" min:"0" max:"1000" doc:"weight of the penalty; 0: none"`
	Kind        string      `json:"kind" default:"k3" enum:"k1,k2,k3" training:"unless default" doc:"estimator of the divergence"`
	Placement   string      `json:"placement" default:"loss" enum:"loss,weighted_loss,reward" training:"unless default" doc:"in the loss, there times the ratio, or taken from the reward"`
	Adaptive    *AdaptiveKL `json:"adaptive" unset:"the coefficient is fixed" doc:"the coefficient follows the divergence"`
	Reference   string      `json:"reference" default:"initial" enum:"initial" doc:"the reference policy; initial: the weights of step 0"`
	Sync        *Sync       `json:"sync" unset:"the reference stays" doc:"the reference follows the policy"`
}

// AdaptiveKL moves the coefficient after each step so that the divergence nears
// the target.
type AdaptiveKL struct {
	Target  float64 `json:"target" required:"yes" above:"0" max:"1000" doc:"divergence per decision"`
	Horizon float64 `json:"horizon" default:"10000" min:"1" max:"1000000000" doc:"rollouts over which the coefficient moves by a fifth, at most"`
}

// Sync moves the reference policy towards the trained one.
type Sync struct {
	Every int     `json:"every" required:"yes" min:"1" max:"1000000" doc:"steps between two"`
	Mix   float64 `json:"mix" default:"1" above:"0" max:"1" doc:"weight of the policy in the new reference; 1 replaces it"`
}

// Entropy encourages exploration.
type Entropy struct {
	Coefficient float64          `json:"coefficient" default:"0" min:"0" max:"100" doc:"weight of the bonus; 0: none"`
	Adaptive    *AdaptiveEntropy `json:"adaptive" unset:"the coefficient is fixed" doc:"the coefficient follows the entropy"`
	TopFraction float64          `json:"top_fraction" min:"0.0001" max:"0.9999" unset:"all" doc:"share of the decisions, those of highest entropy, that the policy loss is taken over"`
}

// AdaptiveEntropy moves the coefficient of the bonus so that the entropy stays
// near the target, and gives the bonus only while it is not above.
type AdaptiveEntropy struct {
	Target float64 `json:"target" required:"yes" min:"0" max:"100" doc:"mean entropy per decision, in nats"`
	Delta  float64 `json:"delta" default:"0.005" above:"0" max:"100" doc:"by how much the coefficient moves in a step"`
	Min    float64 `json:"min" default:"0" min:"0" max:"100" doc:"least coefficient"`
	Max    float64 `json:"max" default:"1" min:"0" max:"100" doc:"greatest coefficient"`
}

// Correction weighs the samples that another policy drew than the one below the
// ratio.
type Correction struct {
	Level     string  `json:"level" enum:"token,sequence,sequence_mean" unset:"no weights" doc:"what has a weight: a decision, or a rollout by the sum or the mean of its decisions"`
	Mode      string  `json:"mode" default:"truncate" enum:"truncate,mask" when:"level=token,sequence,sequence_mean" doc:"weights out of bounds are held at the bound, or 0"`
	Min       float64 `json:"min" default:"0" min:"0" max:"1000000000" when:"level=token,sequence,sequence_mean" doc:"least weight"`
	Max       float64 `json:"max" above:"0" max:"1000000000" when:"level=token,sequence,sequence_mean" unset:"2 with truncate, 3 with mask" doc:"greatest weight"`
	OffPolicy float64 `json:"off_policy" above:"0" max:"1000" unset:"none" doc:"rollouts of negative advantage that the policy has left by more, in nats per decision, are dropped"`
}
