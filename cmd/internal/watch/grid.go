package watch

import "math"

// blank is the braille cell without dots; the lowest eight bits are its dots.
const blank = '\u2800'

// diamond marks a single point.
const diamond = '◆'

// grid is a picture of braille dots, 2 by 4 in a cell.
type grid struct {
	width, height int // in cells
	cells         []rune
}

func newGrid(width, height int) *grid {
	g := &grid{width, height, make([]rune, width*height)}
	for i := range g.cells {
		g.cells[i] = blank
	}
	return g
}

// draw draws lines from each point to the next, in dots.
func (g *grid) draw(path []point) {
	for i, to := range path {
		from := path[max(0, i-1)]
		n := int(math.Ceil(max(math.Abs(to.x-from.x), math.Abs(to.y-from.y))))
		for k := range n + 1 {
			share := float64(k) / float64(max(n, 1))
			g.dot(from.x+share*(to.x-from.x), from.y+share*(to.y-from.y))
		}
		g.dot(to.x, to.y)
	}
}

// dot sets the dot nearest to a place. Unicode numbers the dots of a braille
// cell down the left column, down the right one, and then the lowest two.
func (g *grid) dot(x, y float64) {
	column, row := int(math.Round(x)), int(math.Round(y))
	if column < 0 || row < 0 || column >= 2*g.width || row >= 4*g.height {
		return
	}
	bit := row%4 + column%2*3
	if row%4 == 3 {
		bit = 6 + column%2
	}
	cell := &g.cells[row/4*g.width+column/2]
	if *cell != diamond {
		*cell |= 1 << bit
	}
}

// mark puts a diamond into the cell of a place.
func (g *grid) mark(x, y float64) {
	column, row := int(math.Round(x))/2, int(math.Round(y))/4
	if column >= 0 && row >= 0 && column < g.width && row < g.height {
		g.cells[row*g.width+column] = diamond
	}
}

// rows are the lines of the picture, without blanks at their ends. Not every
// font draws the empty braille cell empty, so it is not used.
func (g *grid) rows() [][]rune {
	rows := make([][]rune, g.height)
	for i := range rows {
		row := g.cells[i*g.width : (i+1)*g.width]
		end := 0
		for k, cell := range row {
			if cell == blank {
				row[k] = ' '
				continue
			}
			end = k + 1
		}
		rows[i] = row[:end]
	}
	return rows
}
