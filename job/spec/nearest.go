package spec

import (
	"fmt"
	"strings"
)

// suggest says what an unknown name may have meant: a field of the same name
// in another section, the nearest name in this one, or all names of this one.
func suggest(name string, fields []*field, prefix string) string {
	name = strings.ToLower(clip(name))
	best, distance := "", (len(name)+1)/3+1
	for _, f := range fields {
		if n := editDistance(name, f.name); n < distance {
			best, distance = f.name, n
		}
	}
	if distance > 1 {
		if path := elsewhere(name, table()); path != "" {
			return fmt.Sprintf("did you mean %s?", path)
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s%s?", prefix, best)
	}
	return "the fields here are " + listed(names(fields), "and")
}

// elsewhere returns the path of the first field called name, or "".
func elsewhere(name string, fields []*field) string {
	for _, f := range fields {
		if f.name == name {
			return f.path
		}
		if path := elsewhere(name, f.fields); path != "" {
			return path
		}
	}
	return ""
}

// editDistance counts the insertions, deletions, replacements and exchanges of
// neighbours that turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
