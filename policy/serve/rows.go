package serve

import (
	"fmt"
	"strconv"
)

// Rows are the features of a decision's candidates, as JSON an array of arrays
// of numbers.
type Rows struct {
	Width  int       // features of a row
	Values []float32 // rows x Width, row by row
}

// MarshalJSON writes each number with as many digits as bring it back exactly.
// What is not finite has no JSON.
func (r Rows) MarshalJSON() ([]byte, error) {
	if len(r.Values) > 0 && (r.Width < 1 || len(r.Values)%r.Width != 0) {
		return nil, fmt.Errorf("features: %d numbers are not rows of %d", len(r.Values), r.Width)
	}
	out := make([]byte, 0, 2+12*len(r.Values))
	out = append(out, '[')
	for i, v := range r.Values {
		if v-v != 0 {
			return nil, fmt.Errorf("features: number %d of row %d is %v", i%r.Width, i/r.Width, v)
		}
		switch {
		case i == 0:
			out = append(out, '[')
		case i%r.Width == 0:
			out = append(out, ']', ',', '[')
		default:
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, float64(v), 'g', -1, 32)
	}
	if len(r.Values) > 0 {
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

// UnmarshalJSON reads rows of equal length. A number beyond the range of a
// float32 is an error.
func (r *Rows) UnmarshalJSON(body []byte) error {
	*r = Rows{Values: r.Values[:0]}
	depth, begin := 0, 0
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '[' && depth < 2:
			depth++
			begin = len(r.Values)
		case c == ']' && depth == 2:
			depth--
			if err := r.endRow(len(r.Values) - begin); err != nil {
				return err
			}
		case c == ']':
			depth--
		case c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case depth == 2 && (c == '-' || c >= '0' && c <= '9'):
			end := i + 1
			for end < len(body) && partOfNumber(body[end]) {
				end++
			}
			v, err := strconv.ParseFloat(string(body[i:end]), 32)
			if err != nil {
				return fmt.Errorf("features: %q is no float32", body[i:end])
			}
			r.Values = append(r.Values, float32(v))
			i = end
			continue
		default:
			return fmt.Errorf("features: expected an array of arrays of numbers, found %q", c)
		}
		i++
	}
	return nil
}

// endRow checks the width of a row that has been read.
func (r *Rows) endRow(width int) error {
	if r.Width == 0 {
		r.Width = width
	}
	if width == 0 || width != r.Width {
		return fmt.Errorf("features: a row has %d numbers, the first has %d", width, r.Width)
	}
	return nil
}

func partOfNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}
