package safetensors_test

import (
	"bytes"
	"maps"
	"testing"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

// What is accepted must survive being written and read again.
func FuzzRead(f *testing.F) {
	f.Add(write(f, []policy.Tensor{{Name: "a", Shape: []int{1, 2}, Data: []float32{1, 2}}, {Name: "b", Data: []float32{3}}},
		map[string]string{"k": "v"}))
	f.Add(file(`{}`, 0))
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  `, 12))
	f.Fuzz(func(t *testing.T, body []byte) {
		tensors, metadata, err := safetensors.Read(bytes.NewReader(body), limit)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := safetensors.Write(&out, tensors, metadata); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, metadataAgain, err := safetensors.Read(&out, limit)
		if err != nil || !sameTensors(again, tensors) || !maps.Equal(metadataAgain, metadata) {
			t.Fatalf("read %v %v (%v), before %v %v", again, metadataAgain, err, tensors, metadata)
		}
	})
}
