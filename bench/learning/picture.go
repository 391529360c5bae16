package main

import (
	"errors"
	"fmt"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // draws SVG

	"github.com/cohort-rl/cohort/bench/learning/trainer"
)

// draw writes the curves of all results, and of their references once each.
func draw(file string, results []result) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Countdown, mean of %d seeds", len(results[0].curves))
	p.X.Label.Text, p.Y.Label.Text = "step", "held-out tasks solved greedily"
	p.Y.Min = 0
	p.Legend.XOffs, p.Legend.YOffs = -vg.Centimeter, vg.Centimeter
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Millimeter, vg.Centimeter
	p.Add(plotter.NewGrid())
	drawn := map[string]bool{}
	for i, r := range results {
		var ours, theirs plotter.XYs
		for j, step := range r.at {
			mean, _ := trainer.Mean(r.curves, j)
			ours = append(ours, plotter.XY{X: float64(step), Y: mean})
			if want, ok := r.reference[step]; ok {
				theirs = append(theirs, plotter.XY{X: float64(step), Y: want})
			}
		}
		if err := add(p, r.name, ours, i, 0); err != nil {
			return err
		}
		kind := r.spec.Policy.Kind
		if !drawn[kind] && len(theirs) > 0 {
			drawn[kind] = true
			if err := add(p, kind+", reference", theirs, i, 1); err != nil {
				return err
			}
		}
	}
	picture, err := p.WriterTo(18*vg.Centimeter, 12*vg.Centimeter, "svg")
	if err != nil {
		return fmt.Errorf("draw %s: %w", file, err)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = picture.WriteTo(out)
	return errors.Join(err, out.Close())
}

// add draws one line: reference curves are dashed, in the colour of ours.
func add(p *plot.Plot, name string, points plotter.XYs, color, dashes int) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	line.Color, line.Width, line.Dashes = plotutil.Color(color), vg.Points(1.5), plotutil.Dashes(dashes)
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}
