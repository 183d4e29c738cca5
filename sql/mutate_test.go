package sql

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMutations: statements with tokens dropped, doubled, swapped and taken from elsewhere are parsed or refused, and
// what is parsed prints to the same tree.
func TestMutations(t *testing.T) {
	list := corpus(t)
	r := rand.New(rand.NewPCG(3, 4))
	n := 4000
	if testing.Short() {
		n = 400
	}
	for range n {
		checkParse(t, mutate(r, list))
	}
}

// mutate changes some tokens of a statement.
func mutate(r *rand.Rand, list []string) string {
	tokens := func() []string {
		src := list[r.IntN(len(list))]
		var toks []string
		for _, tok := range lex(src).toks {
			if tok.Kind != EOF {
				toks = append(toks, tok.Text(src))
			}
		}
		return toks
	}
	toks, other := tokens(), tokens()
	for range 1 + r.IntN(3) {
		if len(toks) < 2 {
			break
		}
		i, j := r.IntN(len(toks)), r.IntN(len(toks))
		k := r.IntN(len(other))
		switch r.IntN(6) {
		case 0:
			toks = append(toks[:i:i], toks[i+1:]...)
		case 1:
			toks = append(toks[:i:i], append([]string{toks[i]}, toks[i:]...)...)
		case 2:
			toks[i], toks[j] = toks[j], toks[i]
		case 3:
			toks = toks[:i+1]
		case 4:
			toks[i] = other[k]
		case 5:
			end := min(len(other), k+1+r.IntN(8))
			toks = append(toks[:i:i], append(append([]string{}, other[k:end]...), toks[i:]...)...)
		}
	}
	return strings.Join(toks, " ")
}
