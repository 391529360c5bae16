package learner

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// A Partial is the gradient of the loss of some groups with respect to the
// weights, added in the fixed tree, and what the loss counted of them.
type Partial struct {
	Sum   []float64
	Tally grpo.Tally
}

// gradients computes the gradients of some mini-batches here, one at a time.
func (b *trainingBatch) gradients(chunk []minibatch) iter.Seq2[Partial, error] {
	return func(yield func(Partial, error) bool) {
		for _, m := range chunk {
			if p, err := b.gradient(m.groups, m.totals); !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// numbers are the elements of a tally, in the order of its fields.
func numbers(t *grpo.Tally) []*float64 {
	var all []*float64
	for i := range t.Sums {
		all = append(all, &t.Sums[i])
	}
	for i := range t.Least {
		all = append(all, &t.Least[i])
	}
	for i := range t.Most {
		all = append(all, &t.Most[i])
	}
	return all
}

// Encode is the tally's numbers and then the sum's, each as the 8 bytes of a
// little-endian float64.
func (p Partial) Encode() []byte {
	all := numbers(&p.Tally)
	body := make([]byte, 0, 8*(len(all)+len(p.Sum)))
	for _, v := range all {
		body = binary.LittleEndian.AppendUint64(body, math.Float64bits(*v))
	}
	for _, v := range p.Sum {
		body = binary.LittleEndian.AppendUint64(body, math.Float64bits(v))
	}
	return body
}

// DecodePartial is what Encode wrote, of so many weights.
func DecodePartial(body []byte, weights int) (Partial, error) {
	p := Partial{Sum: make([]float64, weights)}
	all := numbers(&p.Tally)
	if want := 8 * (len(all) + weights); len(body) != want {
		return Partial{}, fmt.Errorf("partial gradient of %d bytes, of %d weights it has %d", len(body), weights, want)
	}
	next := func() float64 {
		v := math.Float64frombits(binary.LittleEndian.Uint64(body))
		body = body[8:]
		return v
	}
	for _, v := range all {
		*v = next()
	}
	for i := range p.Sum {
		p.Sum[i] = next()
	}
	return p, nil
}

// EncodeWeights is the part's weights, each as the 4 bytes of a little-endian
// float32; nil if they are those that the step began from.
func (p *Part) EncodeWeights() []byte {
	var body []byte
	for _, v := range p.Weights {
		body = binary.LittleEndian.AppendUint32(body, math.Float32bits(v))
	}
	return body
}

// DecodeWeights is a policy of some shape with the weights that EncodeWeights
// wrote.
func DecodeWeights(body []byte, shape policy.Shape) (policy.Policy, error) {
	p, err := policy.New(shape, 0)
	if err != nil {
		return nil, err
	}
	flat := p.Weights().Flat
	if len(body) != 4*len(flat) {
		return nil, fmt.Errorf("weights of %d bytes, %d weights have %d", len(body), len(flat), 4*len(flat))
	}
	for i := range flat {
		flat[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return p, nil
}
