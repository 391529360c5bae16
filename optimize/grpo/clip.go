package grpo

// ClipKind is what becomes of the ratio rho.
type ClipKind string

// The kinds.
const (
	// ClipRatio is -min(rho A, clip(rho, 1-Low, 1+High) A), and with Dual for
	// A < 0 at most -Dual A (PPO; Ye et al. 2020 for the dual clip).
	ClipRatio ClipKind = "ratio"
	// ClipWeight is -sg[clip(rho, lower, upper)] A logpi: the ratio is a weight
	// and clipping stops no gradient (CISPO, TOPR, and GPG with bounds of 1).
	ClipWeight ClipKind = "weight"
	// ClipSoft is -(4/tau) sigmoid(tau (rho-1)) A (SAPO).
	ClipSoft ClipKind = "soft"
	// ClipGamma is -sg[phi(w)] A logpi with phi(w) = w^k e^(lambda (1-w)), w the
	// product of the row's ratios and correction weights (VESPO).
	ClipGamma ClipKind = "gamma"
)

// Clip bounds how far one step may move the policy. Fields that its kind does
// not use must be zero.
type Clip struct {
	Kind ClipKind
	// Low and High: ratio; under LevelGeometric bounds of the logarithm.
	Low, High float64
	// Dual: ratio; above 1+High, or 0 for none. TRL calls it delta.
	Dual float64
	// Positive is for A >= 0, Negative for A < 0: weight.
	Positive, Negative Bounds
	// TauPositive is for A > 0, TauNegative for A <= 0: soft.
	TauPositive, TauNegative float64
	// GammaPositive is for A >= 0, GammaNegative for A < 0: gamma.
	GammaPositive, GammaNegative Gamma
}

// Bounds holds a weight between Lower and Upper, Lower <= Upper.
type Bounds struct{ Lower, Upper float64 }

// Gamma is the shape k and the rate lambda of VESPO's weight.
type Gamma struct{ Shape, Rate float64 }
