package checkpoint

// Control is the state of the coefficients that adapt from step to step.
type Control struct {
	KL      *KLControl      `json:"kl,omitempty"`
	Entropy *EntropyControl `json:"entropy,omitempty"`
}

// KLControl is the coefficient of the divergence that the next step uses.
type KLControl struct {
	Coefficient float64 `json:"coefficient"`
}

// EntropyControl is the coefficient of the entropy bonus, which the next step
// gives if the mean entropy of the last was at most the target.
type EntropyControl struct {
	Coefficient float64 `json:"coefficient"`
	Last        float64 `json:"last"`
}
