package services

import (
	"strings"

	"github.com/cohort-rl/cohort/cmd/internal/nearest"
)

// meant names the known key that is nearest to one that is not known.
func meant(key string, known []string) string {
	key = strings.ToLower(strings.ReplaceAll(key, "_", "-"))
	if len(key) > 64 {
		key = key[:64]
	}
	best, least := "", 0
	for _, name := range known {
		if n := nearest.Distance(key, name); best == "" || n < least {
			best, least = name, n
		}
	}
	if best == "" {
		return ""
	}
	return "; the nearest is " + best
}
