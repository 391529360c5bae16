package batch

import (
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
)

// sampleRow is a sample as Parquet stores it, one row a rollout.
type sampleRow struct {
	Step    int64   `parquet:"step"`
	Round   int64   `parquet:"round"`
	Group   int64   `parquet:"group"`
	Rollout int64   `parquet:"rollout"`
	Task    int64   `parquet:"task"`
	Reward  float64 `parquet:"reward"`
	Policy  string  `parquet:"policy,dict"`
	// Digest is the sample's canonical digest.
	Digest string `parquet:"digest"`
	// Width is the number of features of a candidate.
	Width int32 `parquet:"width"`
	// Candidates, Chosen and LogProbs have one element per decision: how many
	// candidates there were, which was taken, and with which log-probability.
	Candidates []int32   `parquet:"candidates,list"`
	Chosen     []int32   `parquet:"chosen,list"`
	LogProbs   []float32 `parquet:"log_probs,list"`
	// Features has width elements per candidate, decision after decision.
	Features []float32 `parquet:"features,list"`
	// Truncated says that the rollout ended at a limit.
	Truncated bool `parquet:"truncated"`
	// Rewards are what reward is the weighted sum of, NaN for one that was not
	// given; empty where there is one.
	Rewards []float64 `parquet:"rewards,list"`
}

// widest is at least as many bytes as the row takes in the largest column.
func (r sampleRow) widest() int {
	return 64 + 16*max(len(r.Features), len(r.Candidates), len(r.Rewards)) + max(len(r.Policy), len(r.Digest))
}

// maxPart bounds the samples of a Parquet file before compression. A reader
// takes several times as much memory, and a single group may be larger.
const maxPart = 8 << 20

// Write stores a round's samples in as few Parquet files as hold whole groups
// each. Samples are in the order of groups and rollouts, none twice.
func Write(step, round int, samples []Sample) ([][]byte, error) {
	var files [][]byte
	var rows []sampleRow
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		file, err := write(rows)
		if err != nil {
			return err
		}
		if len(file) > blob.MaxObject {
			return fmt.Errorf("group %d takes %d bytes, a file holds %d", rows[0].Group, len(file), blob.MaxObject)
		}
		files, rows, size = append(files, file), nil, 0
		return nil
	}
	for from := 0; from < len(samples); {
		to, bytes := from, 0
		for ; to < len(samples) && samples[to].Group == samples[from].Group; to++ {
			if to > 0 && !samples[to-1].before(&samples[to]) {
				return nil, fmt.Errorf("write samples: rollout %d/%d is out of order or twice", samples[to].Group, samples[to].Rollout)
			}
			bytes += samples[to].size()
		}
		if size+bytes > maxPart {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("write samples: %w", err)
			}
		}
		for i := range samples[from:to] {
			rows = append(rows, samples[from+i].row(step, round))
		}
		size += bytes
		from = to
	}
	if err := flush(); err != nil {
		return nil, fmt.Errorf("write samples: %w", err)
	}
	return files, nil
}

func (s *Sample) before(t *Sample) bool {
	return s.Group < t.Group || s.Group == t.Group && s.Rollout < t.Rollout
}

// size is about how many bytes the sample takes before compression.
func (s *Sample) size() int { return 256 + 12*len(s.LogProbs) + 4*len(s.Choices.Features) }

func (s *Sample) row(step, round int) sampleRow {
	c := s.Choices
	r := sampleRow{
		Step: int64(step), Round: int64(round), Group: int64(s.Group), Rollout: int64(s.Rollout), Task: int64(s.Task),
		Reward: s.Reward, Policy: string(s.Policy), Digest: string(s.Digest()),
		Width: int32(c.Width), Candidates: make([]int32, c.Len()), Chosen: c.Chosen, LogProbs: s.LogProbs, Features: c.Features, Truncated: s.Truncated, Rewards: s.Rewards,
	}
	for d := range r.Candidates {
		r.Candidates[d] = int32(c.Offsets[d+1] - c.Offsets[d])
	}
	return r
}

// Read returns the samples of a file that Write made, each checked against its
// digest. Errors wrap ErrCorrupt.
func Read(file []byte) ([]Sample, error) {
	rows, err := read[sampleRow](file)
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	samples := make([]Sample, len(rows))
	for i := range rows {
		if samples[i], err = rows[i].sample(); err != nil {
			return nil, fmt.Errorf("read samples: row %d: %w", i, err)
		}
	}
	return samples, nil
}

func (r *sampleRow) sample() (Sample, error) {
	s := Sample{
		Group: int(r.Group), Rollout: int(r.Rollout), Task: int(r.Task), Reward: r.Reward, Policy: blob.Digest(r.Policy),
		Choices:  policy.Choices{Width: int(r.Width), Features: r.Features, Offsets: make([]int, 1, len(r.Candidates)+1), Chosen: r.Chosen},
		LogProbs: r.LogProbs, Truncated: r.Truncated,
	}
	if len(r.Rewards) > 0 {
		s.Rewards = r.Rewards
	}
	if r.Width < 1 || len(r.Chosen) != len(r.Candidates) || len(r.LogProbs) != len(r.Candidates) {
		return s, fmt.Errorf("%w: its lists do not fit each other", ErrCorrupt)
	}
	rows := 0
	for _, n := range r.Candidates {
		if n < 1 {
			return s, fmt.Errorf("%w: a decision has %d candidates", ErrCorrupt, n)
		}
		rows += int(n)
		s.Choices.Offsets = append(s.Choices.Offsets, rows)
	}
	if len(r.Features) != rows*s.Choices.Width {
		return s, fmt.Errorf("%w: %d features for %d candidates", ErrCorrupt, len(r.Features), rows)
	}
	if got := s.Digest(); string(got) != r.Digest {
		return s, fmt.Errorf("%w: rollout %d/%d has digest %s, stored is %s", ErrCorrupt, s.Group, s.Rollout, got, r.Digest)
	}
	return s, nil
}
