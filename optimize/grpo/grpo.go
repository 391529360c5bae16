// Package grpo is the mathematics of group relative policy optimization: from
// rewards by group to advantages, and from log-probabilities and advantages to
// the loss, its metrics and its gradient with respect to the log-probabilities
// and entropies. It knows neither policies nor traces, does no I/O and draws no
// random numbers.
//
// An Estimator makes advantages. An Objective makes the loss; it is composed of
// small values (Ratio, Clip, Correction, KL, Entropy, Aggregation), and the
// named algorithms are rows of one table (Algorithm, Algorithms).
//
// Data are flat slices with offsets (Layout): tokens form rows, rows form
// rollouts, rollouts form groups. A token is one decision of the policy, for a
// language model one token. Storage may be float32 or float64; all arithmetic
// is float64, each result is rounded once when it is stored, and every sum has
// a fixed order. What needs the whole batch (Totals) is computed beforehand, so
// that groups can be evaluated apart: the gradient of a token does not depend
// on which groups were evaluated with it, and Combine adds the tallies of
// groups in a fixed tree whose aligned subtrees may be combined elsewhere.
//
// Sources: DeepSeekMath (Shao et al. 2024) for the objective; docs/grpo.md
// names the paper and the implementation of every row and option.
package grpo

import "errors"

// ErrNotFinite is returned for an input or a loss that is NaN or infinite.
var ErrNotFinite = errors.New("not a finite number")

// ErrLayout is returned for offsets or slices that do not fit together.
var ErrLayout = errors.New("layout does not fit")
