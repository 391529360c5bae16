package safetensors_test

import (
	"bytes"
	"fmt"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

func Example() {
	p, err := policy.New(policy.Shape{Kind: policy.MLP, Features: 3, Hidden: 2}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := safetensors.Write(&file, p.Weights().Tensors, map[string]string{"step": "20"}); err != nil {
		fmt.Println(err)
		return
	}

	tensors, metadata, err := safetensors.Read(&file, 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range tensors {
		fmt.Println(t.Name, t.Shape)
	}
	q, err := policy.FromTensors(tensors)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("step", metadata["step"], "same weights", q.Weights().Digest() == p.Weights().Digest())
	// Output:
	// layer1.weight [2 3]
	// layer1.bias [2]
	// layer2.weight [1 2]
	// step 20 same weights true
}
