package spec_test

import (
	"fmt"
	"github.com/cohort-rl/cohort/job/spec"
	"os"
	"testing"
)

func TestX(t *testing.T) {
	b, _ := os.ReadFile("/tmp/min.yaml")
	s, err := spec.Decode("min.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Print(string(spec.Marshal(s)))
	j, err := s.MarshalJSON()
	fmt.Println(string(j), err)
	fmt.Println(s.TrainingDigest("x"))
	_, err = spec.Decode("bad.yaml", []byte(`nmae: x
seed: -1
steps: 1e9
policy:
  kind: liner
  features: "64"
  hidden: 3
agent:
  url: ftp://x
  timeout: 30
tasks:
  data: 2024-01-01
  groups: 010
  learning_rate: 3
  groups: 4
grpo:
  clip_lo: .2
  kl: 0.1
  advantage: {scale: std}
optimizer:
  learning_rate: .nan
eval:
limits:
  deadlines:
    rollot: 10m
  event_bytes: 16MB
  collect_rollouts: 3
start: {mode: wram}
`))
	fmt.Println(err)
	j, err = spec.Schema()
	fmt.Println(string(j)[:1500], err)
}
