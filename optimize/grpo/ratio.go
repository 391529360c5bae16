package grpo

// Level is over what the probability ratio of new and old policy is taken, and
// how its gradient reaches the tokens.
type Level string

// The levels. x is logpi - logpi_old of a token.
const (
	LevelToken Level = "token" // e^x of each token
	// LevelSequence is e^(mean of x over the row); the gradient flows through
	// the mean (GSPO, equation 6; TRL).
	LevelSequence Level = "sequence"
	// LevelSequenceToken has the value of LevelSequence; the gradient of each
	// token is that of sg[s] pi/sg[pi] (GSPO-token, equation 15; verl).
	LevelSequenceToken Level = "sequence_token"
	// LevelGeometric is e^(mean of x clipped by the sign of the advantage), the
	// geometric mean of the row's ratios (GMPO, equation 6).
	LevelGeometric Level = "geometric"
)

// Ratio says how the probability ratio is made.
type Ratio struct {
	Level Level
	// LogMin and LogMax bound the logarithm of the ratio; where they hold it,
	// its gradient is 0. Both 0: unbounded. verl uses -20 and 20.
	LogMin, LogMax float64
}
