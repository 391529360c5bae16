package policy_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/policy"
)

func TestInvalidShapeIsRefusedByField(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shape policy.Shape
		want  string
	}{
		{policy.Shape{Kind: "lineal", Features: 3}, `kind is "lineal"`},
		{policy.Shape{Kind: policy.Linear}, "features is 0"},
		{policy.Shape{Kind: policy.Linear, Features: policy.MaxFeatures + 1}, "features is 65537"},
		{policy.Shape{Kind: policy.Linear, Features: 3, Hidden: 4}, "hidden is 4"},
		{policy.Shape{Kind: policy.MLP, Features: 3}, "hidden is 0"},
		{policy.Shape{Kind: policy.MLP, Features: 3, Hidden: -1}, "hidden is -1"},
		{policy.Shape{Kind: policy.MLP, Features: policy.MaxFeatures, Hidden: policy.MaxHidden}, "weights"},
	} {
		_, err := policy.New(test.shape, 0)
		if !errors.Is(err, policy.ErrShape) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, expected an error with %q", test.shape, err, test.want)
		}
	}
}

func TestInvalidChoicesAreRefused(t *testing.T) {
	t.Parallel()
	shape := policy.Shape{Kind: policy.Linear, Features: 2}
	good := policy.Choices{Width: 2, Features: []float32{1, 2, 3, 4, 5, 6}, Offsets: []int{0, 1, 3}, Chosen: []int32{0, 1}}
	if err := good.Validate(shape); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*policy.Choices){
		"rows have 3 features":         func(c *policy.Choices) { c.Width = 3 },
		"offsets must begin":           func(c *policy.Choices) { c.Offsets = nil },
		"must begin with 0":            func(c *policy.Choices) { c.Offsets = []int{1, 3} },
		"6 features are not 4 rows":    func(c *policy.Choices) { c.Offsets = []int{0, 1, 4} },
		"5 features are not 3 rows":    func(c *policy.Choices) { c.Features = c.Features[:5] },
		"6 features are not -1 rows":   func(c *policy.Choices) { c.Offsets = []int{0, 1, -1} },
		"decision 1 has no candidates": func(c *policy.Choices) { c.Offsets = []int{0, 3, 3} },
		"decision 0 has no candidates": func(c *policy.Choices) { c.Offsets = []int{0, -2, 3} },
		"1 choices for 2 decisions":    func(c *policy.Choices) { c.Chosen = []int32{0} },
		"decision 1 chose 2 of 2":      func(c *policy.Choices) { c.Chosen = []int32{0, 2} },
		"decision 0 chose -1 of 1":     func(c *policy.Choices) { c.Chosen = []int32{-1, 1} },
		"feature 1 of row 2 is +Inf":   func(c *policy.Choices) { c.Features[5] = float32(math.Inf(1)) },
		"feature 0 of row 0 is NaN":    func(c *policy.Choices) { c.Features[0] = float32(math.NaN()) },
	} {
		c := good
		c.Features = slices.Clone(good.Features)
		spoil(&c)
		if err := c.Validate(shape); !errors.Is(err, policy.ErrChoices) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected an error with %q", err, want)
		}
	}
}

func TestTensorsThatAreNoPolicyAreRefused(t *testing.T) {
	t.Parallel()
	vector := func(name string, n ...int) policy.Tensor {
		size := 1
		for _, m := range n {
			size *= m
		}
		return policy.Tensor{Name: name, Shape: n, Data: make([]float32, size)}
	}
	spoilt := vector("weight", 2)
	spoilt.Data[1] = float32(math.NaN())
	for want, tensors := range map[string][]policy.Tensor{
		"no tensor is named":      {vector("bias", 2)},
		"expected one dimension":  {vector("weight", 1, 2)},
		"expected two dimensions": {vector("layer1.weight", 2)},
		"features is 0":           {vector("weight", 0)},
		"2 tensors":               {vector("weight", 2), vector("bias", 2)},
		"element 1 of weight":     {spoilt},
		`named "layer1.bias"`:     {vector("layer1.weight", 3, 2), vector("other", 3), vector("layer2.weight", 1, 3)},
		"expected [1 3]":          {vector("layer1.weight", 3, 2), vector("layer1.bias", 3), vector("layer2.weight", 3)},
	} {
		if _, err := policy.FromTensors(tensors); !errors.Is(err, policy.ErrTensors) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected an error with %q", err, want)
		}
	}
}
