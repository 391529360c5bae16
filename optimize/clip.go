package optimize

import (
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/numerics"
)

// ClipByGlobalNorm scales gradient in place so that its Euclidean norm is at
// most limit, by limit/(norm + 1e-6) as torch.nn.utils.clip_grad_norm_ does. A
// limit of 0 scales nothing. It returns the norm before, or ErrNotFinite.
func ClipByGlobalNorm(gradient []float64, limit float64) (float64, error) {
	norm := math.Sqrt(numerics.Dot(gradient, gradient))
	if !(norm <= math.MaxFloat64) {
		return norm, fmt.Errorf("clip by global norm: %w: norm %v", ErrNotFinite, norm)
	}
	if limit > 0 {
		if scale := limit / (norm + 1e-6); scale < 1 {
			for i := range gradient {
				gradient[i] *= scale
			}
		}
	}
	return norm, nil
}
