package policy

import "github.com/cohort-rl/cohort/numerics"

// softmax fills the log-probabilities, probabilities and entropies of the
// scores. Scores are taken relative to the largest of their decision, so that
// large ones lose no digits.
func (a *ActivationsOf[T]) softmax(c ChoicesOf[T]) {
	for d := range c.Len() {
		begin, end := c.Offsets[d], c.Offsets[d+1]
		scores, logs, probs := a.scores[begin:end], a.logs[begin:end], a.probs[begin:end]
		most := scores[0]
		for _, s := range scores {
			most = max(most, s)
		}
		for i, s := range scores {
			logs[i] = s - most
		}
		total := numerics.LogSumExp(logs)
		var entropy float64
		for i := range logs {
			logs[i] -= total
			probs[i] = numerics.Exp(logs[i])
			if probs[i] != 0 { // 0 log 0 is 0
				entropy -= float64(float64(probs[i]) * float64(logs[i]))
			}
		}
		a.Entropy[d] = T(entropy)
		if c.Chosen != nil {
			a.LogProb[d] = logs[c.Chosen[d]]
		}
	}
}

// softmaxBackward fills the gradient of the scores: with p the probabilities
// and H the entropy of a decision, d log p[chosen] / d score[i] is 1 for the
// chosen one and 0 for others, less p[i], and dH / d score[i] is
// -p[i] (log p[i] + H).
func (a *ActivationsOf[T]) softmaxBackward(c ChoicesOf[T], dLogProb, dEntropy []T) {
	if len(dLogProb) != c.Len() || len(c.Chosen) != c.Len() || dEntropy != nil && len(dEntropy) != c.Len() {
		panic("policy: Backward with gradients that do not fit the decisions")
	}
	if len(a.probs) != c.Rows() || len(a.Entropy) != c.Len() {
		panic("policy: Backward without the Forward of its decisions")
	}
	a.dScores = resize(a.dScores, c.Rows())
	for d, g := range dLogProb {
		begin, end := c.Offsets[d], c.Offsets[d+1]
		logs, probs, out := a.logs[begin:end], a.probs[begin:end], a.dScores[begin:end]
		for i, p := range probs {
			out[i] = -T(g * p)
		}
		out[c.Chosen[d]] = T(g * (1 - probs[c.Chosen[d]]))
		if dEntropy == nil {
			continue
		}
		for i, p := range probs {
			if p != 0 {
				out[i] -= T(dEntropy[d] * T(p*(logs[i]+a.Entropy[d])))
			}
		}
	}
}
