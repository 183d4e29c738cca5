package checkpoint

import (
	"fmt"
	"strings"
	"testing"
)

// TestCoordinator drives the coordinator by a script: "begin", "abort", "a 1" (task a acknowledges checkpoint 1), "a end".
// After each step it says what became complete, with the checkpoint that each part was of.
func TestCoordinator(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"begin; a 1; b 1; begin; b 2; a 2", "1(a1 b1); 2(a2 b2)"},
		{"begin; begin; a 1; b 1", "refused; 1(a1 b1)"},
		{"a 1; begin; b 1; a 1", "1(a1 b1)"},
		{"begin; a 1; abort; begin; b 1; a 2; b 2", "2(a2 b2)"},
		{"begin; a 1; abort; begin; b 2; a 1; a 2", "2(a2 b2)"},
		{"begin; a end; b 1; begin; b 2", "1(aend b1); 2(aend b2)"},
		{"begin; a 1; a end; b 1; begin; b 2", "1(a1 b1); 2(aend b2)"},
		{"a end; b end; begin", "1(aend bend) last; refused"},
		{"begin; a 1; b 1; a end; b end", "1(a1 b1); 2(aend bend) last"},
		{"begin; a 1; abort; a end; b end", "2(aend bend) last"},
	} {
		coord := NewCoordinator([]string{"a", "b"}, 0)
		said := map[*Task]string{}
		var got []string
		for _, step := range strings.Split(c.script, "; ") {
			word := strings.Fields(step)
			switch word[0] {
			case "begin":
				if _, ok := coord.Begin(); !ok {
					got = append(got, "refused")
				}
			case "abort":
				coord.Abort()
			default:
				part, id := &Task{Ended: word[1] == "end"}, int64(0)
				_, _ = fmt.Sscan(word[1], &id) // "end" is no number
				said[part] = word[1]
				coord.Ack(word[0], id, part)
			}
			for done, last := coord.Complete(); done != nil; done, last = coord.Complete() {
				text := fmt.Sprintf("%d(a%s b%s)", done.ID, said[done.Tasks["a"]], said[done.Tasks["b"]])
				if last {
					text += " last"
				}
				got = append(got, text)
			}
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: got %s, want %s", c.script, text, c.want)
		}
	}
}
