package results

import (
	"errors"
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgsvg" // draws SVG

	"github.com/cohort-rl/cohort/job"
)

// curve is the picture of a job: reward and evaluation over steps.
type curve struct {
	rewards, evaluations plotter.XYs
}

func (c *curve) committed(commit *job.Commit) {
	for _, m := range commit.Metrics {
		if m.Name == "reward" {
			c.rewards = append(c.rewards, plotter.XY{X: float64(commit.Checkpoint.Step), Y: m.Value})
		}
	}
}

func (c *curve) evaluated(e job.Evaluation) {
	if e.Incomplete == "" && e.Scored > 0 {
		c.evaluations = append(c.evaluations, plotter.XY{X: float64(e.Step), Y: e.Mean})
	}
}

// write draws the picture as SVG. Without a point there is nothing to draw.
func (c *curve) write(path, title string) error {
	if len(c.rewards)+len(c.evaluations) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "step"
	p.Y.Label.Text = "mean reward"
	p.Legend.Top, p.Legend.Left = false, false
	p.Add(plotter.NewGrid())
	if err := c.add(p); err != nil {
		return fmt.Errorf("draw %s: %w", CurveFile, err)
	}
	// A single point has no extent of its own.
	if p.X.Min == p.X.Max {
		p.X.Min, p.X.Max = p.X.Min-1, p.X.Max+1
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min-0.5, p.Y.Max+0.5
	}
	picture, err := p.WriterTo(18*vg.Centimeter, 10*vg.Centimeter, "svg")
	if err != nil {
		return fmt.Errorf("draw %s: %w", CurveFile, err)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = picture.WriteTo(file)
	return errors.Join(err, file.Close())
}

func (c *curve) add(p *plot.Plot) error {
	if len(c.rewards) > 0 {
		line, err := plotter.NewLine(c.rewards)
		if err != nil {
			return err
		}
		line.Color, line.Width = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add("training", line)
	}
	if len(c.evaluations) > 0 {
		line, points, err := plotter.NewLinePoints(c.evaluations)
		if err != nil {
			return err
		}
		orange := color.RGBA{R: 0xd6, G: 0x5f, B: 0x0e, A: 0xff}
		line.Color, line.Dashes = orange, []vg.Length{vg.Points(4), vg.Points(3)}
		points.Color, points.Shape = orange, draw.CircleGlyph{}
		p.Add(line, points)
		p.Legend.Add("evaluation", line, points)
	}
	return nil
}
