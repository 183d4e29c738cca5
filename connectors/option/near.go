package option

import (
	"fmt"
	"strings"

	"weir/internal/spell"
)

// Near gives the candidate that looks most like the text, or "" where none is close.
func Near(text string, candidates []string) string {
	best, bestAt := "", 1+len(text)/3
	for _, c := range candidates {
		if d := spell.Distance(strings.ToLower(text), strings.ToLower(c), bestAt); d <= bestAt && (best == "" || d < bestAt) {
			best, bestAt = c, d
		}
	}
	return best
}

func nearHint(text string, candidates []string) string {
	if n := Near(text, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + w + "'"
	}
	return strings.Join(quoted, ", ")
}
