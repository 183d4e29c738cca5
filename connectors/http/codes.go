package httpconn

import (
	"fmt"
	"strconv"
	"strings"
)

// codes is a list of status codes as "2XX,404,!203": groups, codes, and codes that are none of it.
type codes struct {
	groups  [6]bool
	in, out map[int]bool
	given   bool
}

func (c *codes) set(text string) error {
	*c = codes{in: map[int]bool{}, out: map[int]bool{}, given: true}
	for _, word := range strings.Split(text, ",") {
		word = strings.ToUpper(strings.TrimSpace(word))
		bare, not := strings.CutPrefix(word, "!")
		n, err := strconv.Atoi(bare)
		switch {
		case word == "":
		case len(word) == 3 && word[0] >= '1' && word[0] <= '5' && word[1:] == "XX":
			c.groups[word[0]-'0'] = true
		case err != nil || n < 100 || n > 599:
			return fmt.Errorf("has %q, which is no status code: write codes as 404, groups as 2XX, and !203 for one that is not meant, with commas between", word)
		case not:
			c.out[n] = true
		default:
			c.in[n] = true
		}
	}
	return nil
}

func (c *codes) has(status int) bool {
	if c.out[status] || status < 100 || status > 599 {
		return false
	}
	return c.in[status] || c.groups[status/100]
}
