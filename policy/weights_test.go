package policy_test

import (
	"math"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/policy"
)

func TestInitialWeightsAreUniformBelowTheOutputLayer(t *testing.T) {
	t.Parallel()
	p, err := policy.New(policy.Shape{Kind: policy.MLP, Features: 22, Hidden: 128}, 5)
	if err != nil {
		t.Fatal(err)
	}
	bound := 1 / math.Sqrt(22)
	for _, tensor := range p.Weights().Tensors {
		if tensor.Name == "layer2.weight" {
			if slices.ContainsFunc(tensor.Data, func(v float32) bool { return v != 0 }) {
				t.Error("output layer does not begin with zeros")
			}
			continue
		}
		var sum, squares float64
		for _, v := range tensor.Data {
			if math.Abs(float64(v)) > bound {
				t.Fatalf("%s has an element %v beyond %v", tensor.Name, v, bound)
			}
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		n := float64(len(tensor.Data))
		if mean, variance := sum/n, squares/n; math.Abs(mean) > 5*bound/math.Sqrt(3*n) || math.Abs(variance/(bound*bound/3)-1) > 5*math.Sqrt(0.8/n) {
			t.Errorf("%s has mean %v and variance %v, expected 0 and %v", tensor.Name, mean, variance, bound*bound/3)
		}
	}
}

func TestDigestNamesSeedAndEveryWeight(t *testing.T) {
	t.Parallel()
	shape := policy.Shape{Kind: policy.MLP, Features: 3, Hidden: 2}
	make1 := func(seed uint64) policy.Policy {
		p, err := policy.New(shape, seed)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := make1(1)
	digest := p.Weights().Digest()
	if digest != make1(1).Weights().Digest() {
		t.Error("equal seeds give different digests")
	}
	if digest == make1(2).Weights().Digest() {
		t.Error("different seeds give equal digests")
	}
	for i, v := range p.Weights().Flat {
		p.Weights().Flat[i] = math.Nextafter32(v, 9)
		if p.Weights().Digest() == digest {
			t.Errorf("digest does not change with weight %d", i)
		}
		p.Weights().Flat[i] = v
	}
	flat := policy.Weights{Tensors: []policy.Tensor{{Name: "a", Shape: []int{2}, Data: []float32{1, 2}}}}
	column := policy.Weights{Tensors: []policy.Tensor{{Name: "a", Shape: []int{2, 1}, Data: []float32{1, 2}}}}
	if flat.Digest() == column.Digest() {
		t.Error("digest does not change with the shape")
	}
}

func TestOfItsTensorsHasItsDigest(t *testing.T) {
	t.Parallel()
	for _, shape := range []policy.Shape{{Kind: policy.Linear, Features: 4}, {Kind: policy.MLP, Features: 4, Hidden: 3}} {
		p, err := policy.New(shape, 9)
		if err != nil {
			t.Fatal(err)
		}
		tensors := slices.Clone(p.Weights().Tensors)
		slices.Reverse(tensors)
		q, err := policy.FromTensors(tensors)
		if err != nil {
			t.Fatal(err)
		}
		if q.Shape() != shape || q.Weights().Digest() != p.Weights().Digest() {
			t.Errorf("%+v became %+v, or other weights", shape, q.Shape())
		}
		q.Weights().Flat[0]++
		if p.Weights().Flat[0] == q.Weights().Flat[0] {
			t.Error("the copy shares its weights")
		}
	}
}
