package grpo

// ReferenceSync says when the reference policy follows the trained one.
type ReferenceSync struct {
	Every int     // steps between two; 0 for never
	Mix   float64 // weight of the trained policy, in (0, 1]; 1 replaces the reference
}

// Due reports whether the reference follows after step n, counted from 1.
func (r ReferenceSync) Due(n int) bool { return r.Every > 0 && n%r.Every == 0 }

// MixTo moves reference in place to Mix policy + (1 - Mix) reference (TR-DPO,
// Gorbatovski et al. 2024, equation 2), in float64 rounded once.
func (r ReferenceSync) MixTo(reference, policy []float32) {
	for i, p := range policy {
		reference[i] = float32(float64(r.Mix*float64(p)) + float64((1-r.Mix)*float64(reference[i])))
	}
}
