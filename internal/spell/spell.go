// Package spell measures how far a misspelt word is from one that was meant, for "did you mean" hints.
// Each room decides itself which words are candidates and how far is still near.
//
// Contract: a pure function of its arguments; it imports nothing, so any room may use it.
package spell

// Distance counts the insertions, deletions, replacements and swaps of neighbouring bytes that turn a
// into b. Where the lengths alone differ by more than limit it gives limit + 1.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
