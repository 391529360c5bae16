package countdown

import "github.com/cohort-rl/cohort/numerics"

// Width is the number of features of a candidate move.
const Width = 22

// Features returns one row of Width features for each action, row-major. With
// a and b the operands, "rest" the numbers that the action leaves alone and
// "sum" the sum of all numbers after it, a row is
//
//	 0  lg(a)                          12  one number left after the action
//	 1  lg(b)                          13  two numbers left
//	 2  lg(result)                     14  three numbers left
//	 3  lg(target)                     15  result = target
//	 4  lg(|result - target|)          16  result > target
//	 5  lg(largest of rest, or 0)      17  result > 0 divides target
//	 6  lg(smallest of rest, or 0)     18  result > 0 is a multiple of target
//	 7  lg(|sum - target|)             19  result = 0
//	 8  addition                       20  result = a or result = b
//	 9  subtraction                    21  sign of sum - target: -1, 0 or 1
//	10  multiplication
//	11  division
//
// where lg(v) = min(log(1+v)/log(101), 2) and a condition is 1 or 0. Features
// reach the weights, so they have the same bits on every machine.
func Features(g Game, actions []Action) []float32 {
	rows := make([]float32, 0, Width*len(actions))
	for _, a := range actions {
		row := g.features(a)
		rows = append(rows, row[:]...)
	}
	return rows
}

func (g Game) features(action Action) (row [Width]float32) {
	a, b, result := g.Numbers[action.I], g.Numbers[action.J], action.Result
	rest := g.rest(action)
	largest, smallest, sum := 0, 0, result
	for i, n := range rest {
		sum += n
		largest = max(largest, n)
		if i == 0 || n < smallest {
			smallest = n
		}
	}
	row[0], row[1], row[2], row[3] = lg(a), lg(b), lg(result), lg(g.Target)
	row[4] = lg(distance(result, g.Target))
	row[5], row[6] = lg(largest), lg(smallest)
	row[7] = lg(distance(sum, g.Target))
	row[8+int(action.Operation)] = 1
	row[12+len(rest)] = 1
	row[15] = one(result == g.Target)
	row[16] = one(result > g.Target)
	row[17] = one(result > 0 && g.Target%max(result, 1) == 0)
	row[18] = one(result > 0 && result%g.Target == 0)
	row[19] = one(result == 0)
	row[20] = one(result == a || result == b)
	row[21] = one(sum > g.Target) - one(sum < g.Target)
	return row
}

// lg is the scale of the features that are sizes: 0 at 0, 1 at 100, at most 2.
func lg(v int) float32 {
	return float32(min(numerics.Log(float64(1+v))/numerics.Log(101.0), 2))
}

func distance(a, b int) int { return max(a-b, b-a) }

func one(condition bool) float32 {
	if condition {
		return 1
	}
	return 0
}
