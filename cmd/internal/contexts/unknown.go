package contexts

import (
	"fmt"
	"strings"
)

// UnknownError says that there is no context of a name.
type UnknownError struct {
	Name    string
	Nearest string // the name that was probably meant, empty for none
	Names   []string
}

// Error names the context that was probably meant, or all that there are.
func (e *UnknownError) Error() string {
	switch {
	case e.Nearest != "":
		return fmt.Sprintf("there is no context %q: did you mean %q?", e.Name, e.Nearest)
	case len(e.Names) == 0:
		return fmt.Sprintf("there is no context %q, nor any other: make it with `cohort context set %s --server URL --store URL`", e.Name, e.Name)
	}
	return fmt.Sprintf("there is no context %q: there are %s", e.Name, strings.Join(e.Names, ", "))
}

func unknown(name string, names []string) *UnknownError {
	e := &UnknownError{Name: name, Names: names}
	least := max(len(name)/2, 1) + 1
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			least, e.Nearest = d, candidate
		}
	}
	return e
}

// distance counts the letters to add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
