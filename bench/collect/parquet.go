package main

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// rollouts of the batch, with so many decisions each among so many candidates.
const (
	rollouts   = 10_000
	decisions  = 8
	candidates = 3
	width      = 12
)

// samples are a batch as a step writes it.
func samples() (all []batch.Sample, size int) {
	random := numerics.NewStream(1)
	number := func() float32 { return float32(random.Uint64()%2048) / 1024 }
	all = make([]batch.Sample, rollouts)
	for i := range all {
		s := &all[i]
		*s = batch.Sample{Group: i / 8, Rollout: i % 8, Task: i / 8, Reward: float64(number()), Policy: policyDigest, Choices: policy.Choices{Width: width, Offsets: []int{0}}}
		for d := range decisions {
			for range candidates * width {
				s.Choices.Features = append(s.Choices.Features, number())
			}
			s.Choices.Offsets = append(s.Choices.Offsets, (d+1)*candidates)
			s.Choices.Chosen = append(s.Choices.Chosen, int32(random.Uint64()%candidates)) //nolint:gosec // below candidates
			s.LogProbs = append(s.LogProbs, -number())
		}
		size += 4*len(s.Choices.Features) + 8*len(s.LogProbs) + 8*len(s.Choices.Offsets) + 32 + len(s.Policy)
	}
	return all, size
}

// parquet writes and reads the batch in three forms, in turns.
func (o options) parquet() error {
	all, size := samples()
	forms := []struct {
		name  string
		write func() ([][]byte, error)
		read  func([][]byte) (int, error)
	}{
		{"Parquet", func() ([][]byte, error) { return batch.Write(1, 0, all) }, func(files [][]byte) (n int, err error) {
			for _, f := range files {
				some, err := batch.Read(f)
				if err != nil {
					return 0, err
				}
				n += len(some)
			}
			return n, nil
		}},
		{"gob", func() ([][]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(all)
			return [][]byte{b.Bytes()}, err
		}, func(files [][]byte) (int, error) {
			var back []batch.Sample
			err := gob.NewDecoder(bytes.NewReader(files[0])).Decode(&back)
			return len(back), err
		}},
		{"JSON", func() ([][]byte, error) {
			b, err := json.Marshal(all)
			return [][]byte{b}, err
		}, func(files [][]byte) (int, error) {
			var back []batch.Sample
			err := json.Unmarshal(files[0], &back)
			return len(back), err
		}},
	}
	writes, reads, bytes := make([][]float64, len(forms)), make([][]float64, len(forms)), make([]int, len(forms))
	for round := range o.rounds {
		for i := range forms {
			at := (i + round) % len(forms)
			begin := time.Now()
			files, err := forms[at].write()
			if err != nil {
				return err
			}
			writes[at] = append(writes[at], time.Since(begin).Seconds())
			begin = time.Now()
			n, err := forms[at].read(files)
			if err != nil || n != rollouts {
				return fmt.Errorf("%s gave %d rollouts back: %w", forms[at].name, n, err)
			}
			reads[at] = append(reads[at], time.Since(begin).Seconds())
			bytes[at] = 0
			for _, f := range files {
				bytes[at] += len(f)
			}
		}
	}
	mb := float64(size) / 1e6
	for i, f := range forms {
		fmt.Printf("batch of %d rollouts, %.1f MB in memory, as %s: written at %.0f MB/s, read at %.0f MB/s, %.1f MB\n",
			rollouts, mb, f.name, mb/compare.Median(writes[i]), mb/compare.Median(reads[i]), float64(bytes[i])/1e6)
		if i > 0 {
			fmt.Printf("batch: Parquet is written %.2f and read %.2f times as fast as %s, each sample checked against its digest\n",
				compare.Median(writes[i])/compare.Median(writes[0]), compare.Median(reads[i])/compare.Median(reads[0]), f.name)
		}
	}
	return nil
}
