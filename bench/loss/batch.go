package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// size is a batch's.
type size struct {
	groups, rollouts, tokens int
	ragged                   bool // lengths between 1 and tokens
}

func (s size) String() string {
	text := fmt.Sprintf("%dx%dx%d", s.groups, s.rollouts, s.tokens)
	if s.ragged {
		text += " ragged"
	}
	return text
}

// batch is a random batch with a reference policy.
func (s size) batch() grpo.Batch[float32] {
	random := numerics.NewStream(1)
	b := grpo.Batch[float32]{Layout: grpo.Layout{RowOffsets: []int{0}, GroupOffsets: []int{0}}}
	for g := range s.groups {
		for range s.rollouts {
			n := s.tokens
			if s.ragged {
				n = 1 + random.IntN(s.tokens)
			}
			b.Layout.RowOffsets = append(b.Layout.RowOffsets, b.Layout.Tokens()+n)
			b.Advantages = append(b.Advantages, float32(2*random.Float64()-1))
		}
		b.Layout.GroupOffsets = append(b.Layout.GroupOffsets, (g+1)*s.rollouts)
	}
	for range b.Layout.Tokens() {
		old := -2 * random.Float64()
		b.Old = append(b.Old, float32(old))
		b.LogProb = append(b.LogProb, float32(old+0.4*(random.Float64()-0.5)))
		b.Reference = append(b.Reference, float32(old+0.4*(random.Float64()-0.5)))
	}
	return b
}

// writeCase writes case.json and the arrays of a case that Python reads. An
// array is of float32 or int32.
func writeCase(folder string, settings any, arrays map[string]any) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	failures := []error{os.WriteFile(filepath.Join(folder, "case.json"), text, 0o600)}
	for name, array := range arrays {
		body, err := binary.Append(nil, binary.NativeEndian, array)
		failures = append(failures, err, os.WriteFile(filepath.Join(folder, name), body, 0o600))
	}
	return errors.Join(failures...)
}

// readArray reads an array that Python wrote.
func readArray(folder, name string) ([]float32, error) {
	body, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	array := make([]float32, len(body)/4)
	_, err = binary.Decode(body, binary.NativeEndian, array)
	return array, err
}

// distance is the largest difference of two arrays by the largest magnitude of
// the second, infinite for other lengths.
func distance(ours, theirs []float32) float64 {
	if len(ours) != len(theirs) {
		return math.Inf(1)
	}
	var largest, difference float64
	for i, v := range theirs {
		largest = max(largest, math.Abs(float64(v)))
		difference = max(difference, math.Abs(float64(v)-float64(ours[i])))
	}
	return difference / max(largest, math.SmallestNonzeroFloat32)
}
