package watch

import (
	"fmt"
	"math"
	"strings"
)

// point is a point of a chart.
type point struct{ x, y float64 }

// chart is a picture of a line and some single points over it, in cells of a
// terminal: braille for the line, which gives each cell 2 by 4 dots, and a
// diamond for a point.
type chart struct {
	line, points []point
	from, to     float64 // the range of x
}

// labels is the width of the y axis.
const labels = 9

// render draws the chart into rows lines of at most width cells, its axes
// included. paint colours text.
func (c chart) render(width, rows int, paint func(color, string) string) []string {
	cells, height := width-labels, rows-2
	if cells < 8 || height < 2 || len(c.line)+len(c.points) == 0 {
		return nil
	}
	low, high := c.extent()
	dots := newGrid(cells, height)
	// place is where a point lies, in dots from the upper left corner.
	place := func(p point) (x, y float64) {
		span := max(c.to-c.from, 1)
		return (p.x - c.from) / span * float64(2*cells-1), (high - p.y) / (high - low) * float64(4*height-1)
	}
	var path []point
	for _, p := range c.columns(2 * cells) {
		x, y := place(p)
		path = append(path, point{x, y})
	}
	dots.draw(path)
	for _, p := range c.points {
		x, y := place(p)
		dots.mark(x, y)
	}
	lines := make([]string, 0, rows)
	for i, row := range dots.rows() {
		label := ""
		switch i {
		case 0:
			label = fmt.Sprintf("%.3g", high)
		case height - 1:
			label = fmt.Sprintf("%.3g", low)
		}
		lines = append(lines, fmt.Sprintf("%*s │", labels-2, label)+paintRow(row, paint))
	}
	left, right := fmt.Sprintf("%g", c.from), fmt.Sprintf("%g", c.to)
	return append(lines,
		strings.Repeat(" ", labels-1)+"└"+strings.Repeat("─", cells),
		strings.Repeat(" ", labels)+left+strings.Repeat(" ", max(1, cells-len(left)-len(right)))+right)
}

// extent is the range of y.
func (c chart) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, points := range [][]point{c.line, c.points} {
		for _, p := range points {
			low, high = min(low, p.y), max(high, p.y)
		}
	}
	if low == high {
		return low - 0.5, high + 0.5
	}
	return low, high
}

// columns is the line with at most one point a column: the mean of those in it.
func (c chart) columns(n int) []point {
	if len(c.line) <= n {
		return c.line
	}
	means := make([]point, 0, n)
	for i := range n {
		part := c.line[i*len(c.line)/n : (i+1)*len(c.line)/n]
		var sum point
		for _, p := range part {
			sum.x, sum.y = sum.x+p.x, sum.y+p.y
		}
		means = append(means, point{sum.x / float64(len(part)), sum.y / float64(len(part))})
	}
	return means
}

// paintRow colours a row of a grid.
func paintRow(row []rune, paint func(color, string) string) string {
	var b strings.Builder
	for from := 0; from < len(row); {
		to := from + 1
		for to < len(row) && (row[to] == diamond) == (row[from] == diamond) {
			to++
		}
		tint := reward
		if row[from] == diamond {
			tint = evaluation
		}
		b.WriteString(paint(tint, string(row[from:to])))
		from = to
	}
	return b.String()
}
