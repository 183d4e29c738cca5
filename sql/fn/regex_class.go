package fn

import "strings"

// Java's character classes nest: [a-z[0-9]] is a union, [a-z&&[^aeiou]] an intersection. The backtracking engine has
// neither, so such a class becomes a group of plain classes and look-ahead that takes one character.

// plainClasses rewrites the classes of a pattern that hold others.
func plainClasses(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); {
		switch {
		case strings.HasPrefix(p[i:], `\Q`):
			n := len(p) - i
			if end := strings.Index(p[i:], `\E`); end >= 0 {
				n = end + 2
			}
			b.WriteString(p[i : i+n])
			i += n
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i += 2
		case p[i] == '[':
			text, n, nested := readClass(p[i:])
			if n == 0 {
				return p // it has no end: the engine says so
			}
			if !nested {
				text = p[i : i+n]
			}
			b.WriteString(text)
			i += n
		default:
			b.WriteByte(p[i])
			i++
		}
	}
	return b.String()
}

// readClass reads the class at the beginning of p: what it becomes, how long it is (0: it has no end), and whether
// it holds another class or an intersection.
func readClass(p string) (text string, n int, nested bool) {
	i := 1
	negated := strings.HasPrefix(p[i:], "^")
	if negated {
		i++
	}
	var parts []string // of the intersection
	var union []string // classes of the part in hand
	plain := ""        // its own characters
	finish := func() {
		if plain != "" {
			union = append([]string{"[" + plain + "]"}, union...)
		}
		if len(union) > 0 {
			parts = append(parts, "(?:"+strings.Join(union, "|")+")")
		}
		union, plain = nil, ""
	}
	for first := true; i < len(p); first = false {
		switch {
		case p[i] == ']' && !first:
			finish()
			return oneOf(parts, negated), i + 1, nested
		case p[i] == '[':
			inner, length, _ := readClass(p[i:])
			if length == 0 {
				return "", 0, false
			}
			union, nested = append(union, inner), true
			i += length
		case strings.HasPrefix(p[i:], "&&"):
			finish()
			nested = true
			i += 2
		case p[i] == '\\' && i+1 < len(p):
			end := i + 2
			if close := strings.IndexByte(p[i:], '}'); (p[i+1] == 'p' || p[i+1] == 'P' || p[i+1] == 'x') && strings.HasPrefix(p[i+2:], "{") && close > 0 {
				end = i + close + 1
			}
			plain += p[i:end]
			i = end
		case p[i] == '^' && plain == "":
			plain += `\^`
			i++
		default:
			plain += p[i : i+1]
			i++
		}
	}
	return "", 0, false
}

// oneOf takes one character that all parts take; or, negated, one that not all of them do.
func oneOf(parts []string, negated bool) string {
	if len(parts) == 0 {
		return "(?!)"
	}
	all := ""
	for _, p := range parts[:len(parts)-1] {
		all += "(?=" + p + ")"
	}
	all += parts[len(parts)-1]
	if negated {
		return `(?:(?!` + all + `)[\s\S])`
	}
	return "(?:" + all + ")"
}
