package grpo_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// goldenFile is a file of what other trainers computed: see its note.
type goldenFile struct {
	Format string       `json:"format"`
	DType  string       `json:"dtype"`
	Note   string       `json:"note"`
	Cases  []goldenCase `json:"cases"`
}

// goldenCase is one batch; matrices are padded to MaxLen.
type goldenCase struct {
	Name           string                      `json:"name"`
	Groups         []string                    `json:"groups"`
	Rewards        []float64                   `json:"rewards"`
	Lengths        []int                       `json:"lengths"`
	MaxLen         int                         `json:"max_len"`
	OldLogP        [][]float64                 `json:"old_logp"`
	NewLogP        [][]float64                 `json:"new_logp"`
	RefLogP        [][]float64                 `json:"ref_logp"`
	SamplingLogP   [][]float64                 `json:"sampling_logp"`
	Advantages     map[string][]float64        `json:"advantages"`
	LossAdvantages string                      `json:"loss_advantages"`
	Losses         map[string]goldenLoss       `json:"losses"`
	KL             map[string]float64          `json:"kl"`
	Correction     map[string]goldenCorrection `json:"correction"`
}

type goldenLoss struct {
	Params  goldenParams       `json:"params"`
	Loss    float64            `json:"loss"`
	Grad    [][]float64        `json:"grad"`
	Metrics map[string]float64 `json:"metrics"`
}

type goldenParams struct {
	LossType         string  `json:"loss_type"`
	Level            string  `json:"level"`
	Loss             string  `json:"loss"`
	Agg              string  `json:"agg"`
	EpsLow           float64 `json:"eps_low"`
	EpsHigh          float64 `json:"eps_high"`
	Beta             float64 `json:"beta"`
	KL               string  `json:"kl"`
	KLBiasCorrection bool    `json:"kl_bias_correction"`
	Delta            float64 `json:"delta"`
	ClipC            float64 `json:"clip_c"`
}

type goldenCorrection struct {
	Weights        [][]float64 `json:"weights"`
	Mean           *float64    `json:"mean"`
	ESS            *float64    `json:"ess"`
	Kept           [][]float64 `json:"kept"`
	MaskedFraction *float64    `json:"masked_fraction"`
}

// readGolden reads the files of GRPO_GOLDEN, or the copy kept here. A field it
// does not know is an error.
func readGolden() ([]goldenFile, error) {
	paths := []string{"testdata/grpo.json"}
	if list := os.Getenv("GRPO_GOLDEN"); list != "" {
		paths = strings.Split(list, string(os.PathListSeparator))
	}
	var files []goldenFile
	for _, path := range paths {
		in, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(in)
		decoder.DisallowUnknownFields()
		var file goldenFile
		err = decoder.Decode(&file)
		_ = in.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if file.Format != "grpo-golden/1" || file.DType != "float64" || len(file.Cases) == 0 {
			return nil, fmt.Errorf("read %s: format %q of %q with %d cases", path, file.Format, file.DType, len(file.Cases))
		}
		files = append(files, file)
	}
	return files, nil
}
