package services

import "strings"

// meant names the known key that is nearest to one that is not known.
func meant(key string, known []string) string {
	key = strings.ToLower(strings.ReplaceAll(key, "_", "-"))
	if len(key) > 64 {
		key = key[:64]
	}
	best, least := "", 0
	for _, name := range known {
		if n := distance(key, name); best == "" || n < least {
			best, least = name, n
		}
	}
	if best == "" {
		return ""
	}
	return "; the nearest is " + best
}

// distance counts the insertions, deletions and replacements of bytes that turn
// a into b (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
