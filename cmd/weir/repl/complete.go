package repl

import (
	"sort"
	"strings"
	"unicode"
)

// Words is what the prompt may complete: the session's names, told apart by where they fit.
type Words struct {
	Keywords  []string
	Functions []string
	Settings  []string
	Commands  []string
	// Relations are the tables and views; Columns those of one of them.
	Relations func() []string
	Columns   func(relation string) []string
	// Options are the options of a connector ("" for the connectors' names).
	Options func(connector string) []string
}

// Complete gives the rests of the words that may stand at the end of text.
func (w *Words) Complete(text string) (rests []string, typed int) {
	if strings.HasPrefix(strings.TrimSpace(text), "\\") || strings.HasPrefix(strings.TrimSpace(text), ".") {
		if word := strings.TrimSpace(text); !strings.ContainsRune(word, ' ') {
			return matches(word, w.Commands)
		}
	}
	word, quoted := lastWord(text)
	if quoted {
		return matches(word, w.quoted(text))
	}
	if dot := strings.LastIndexByte(word, '.'); dot >= 0 {
		return matches(word[dot+1:], w.Columns(resolve(text, word[:dot])))
	}
	before := strings.ToUpper(strings.TrimSpace(text[:len(text)-len(word)]))
	if afterRelationWord(before) {
		return matches(word, append(w.Relations(), "TABLE"))
	}
	all := append([]string(nil), w.Keywords...)
	all = append(all, w.Functions...)
	for _, r := range mentioned(text, w.Relations()) {
		all = append(all, w.Columns(r)...)
	}
	return matches(word, append(all, w.Relations()...))
}

// lastWord is the name being typed at the end of text, and whether it stands inside quotes.
func lastWord(text string) (word string, quoted bool) {
	if strings.Count(text, "'")%2 == 1 {
		return text[strings.LastIndexByte(text, '\'')+1:], true
	}
	i := len(text)
	for i > 0 {
		c := rune(text[i-1])
		if c < 128 && c != '_' && c != '.' && c != '$' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		i--
	}
	return text[i:], false
}

// quoted completes inside quotes: the key after SET or RESET, else a connector's name or an option.
func (w *Words) quoted(text string) []string {
	head := strings.ToUpper(strings.TrimSpace(text))
	if strings.HasPrefix(head, "SET") || strings.HasPrefix(head, "RESET") {
		return w.Settings
	}
	connector := optionValue(text, "connector")
	rest := strings.TrimSpace(strings.TrimSuffix(text[:strings.LastIndexByte(text, '\'')], " "))
	if strings.HasSuffix(rest, "=") {
		if strings.HasSuffix(strings.TrimSpace(strings.TrimSuffix(rest, "=")), "'connector'") {
			return w.Options("")
		}
		return nil
	}
	return w.Options(connector)
}

// optionValue finds the value of an option in the text so far.
func optionValue(text, key string) string {
	_, rest, ok := strings.Cut(text, "'"+key+"'")
	if !ok {
		return ""
	}
	_, rest, ok = strings.Cut(rest, "'")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, "'")
	return value
}

func afterRelationWord(before string) bool {
	for _, w := range []string{"FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "OVERWRITE", "SHOW CREATE VIEW", "DROP VIEW"} {
		if before == w || strings.HasSuffix(before, " "+w) || strings.HasSuffix(before, "("+w) {
			return true
		}
	}
	return false
}

// resolve finds the relation an alias stands for: "FROM orders AS o" or "FROM orders o".
func resolve(text, alias string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '(' || r == ')' })
	for i := 1; i < len(words); i++ {
		if words[i] != alias {
			continue
		}
		prev := words[i-1]
		if strings.EqualFold(prev, "AS") && i > 1 {
			prev = words[i-2]
		}
		if !afterRelationWord(strings.ToUpper(prev)) && !strings.EqualFold(prev, "SELECT") {
			return prev
		}
	}
	return alias
}

func mentioned(text string, relations []string) []string {
	var out []string
	for _, r := range relations {
		if strings.Contains(text, r) {
			out = append(out, r)
		}
	}
	return out
}

// matches gives the rests of the words that begin with what is typed, whatever the case; the rest is
// in the case of what is typed.
func matches(typed string, words []string) ([]string, int) {
	seen := map[string]bool{}
	var out []string
	lower := typed != "" && typed == strings.ToLower(typed)
	for _, w := range words {
		if len(w) < len(typed) || !strings.EqualFold(w[:len(typed)], typed) {
			continue
		}
		rest := w[len(typed):]
		if lower && w == strings.ToUpper(w) {
			rest = strings.ToLower(rest)
		}
		if !seen[rest] {
			seen[rest] = true
			out = append(out, rest)
		}
	}
	sort.Strings(out)
	return out, len([]rune(typed))
}
