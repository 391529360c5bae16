package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metricsAt is how a program says where its metrics are.
var metricsAt = regexp.MustCompile(`is ready\." .*\bmetrics=(\S+)`)

// told is what the program tells of itself: its gauges without labels.
func (p *program) told(ctx context.Context) (map[string]float64, error) {
	log, err := os.ReadFile(filepath.Join(p.logs, p.name+".log"))
	if err != nil {
		return nil, err
	}
	found := metricsAt.FindSubmatch(log)
	if found == nil {
		return nil, fmt.Errorf("%s does not say where its metrics are", p.name)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, string(found[1])+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for name, family := range families {
		if m := family.GetMetric(); len(m) == 1 && m[0].GetGauge() != nil {
			all[name] = m[0].GetGauge().GetValue()
		}
	}
	return all, nil
}
