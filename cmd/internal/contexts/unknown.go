package contexts

import (
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/cmd/internal/nearest"
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
		if d := nearest.Distance(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			least, e.Nearest = d, candidate
		}
	}
	return e
}
