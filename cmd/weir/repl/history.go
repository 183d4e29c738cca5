package repl

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// history is the statements of earlier sessions and of this one: a JSON string a line, in a file that
// only its owner may read. Statements that hold secrets are not kept.
type history struct {
	path  string
	items []string
}

const maxHistory = 2000

var secret = regexp.MustCompile(`(?i)(password|secret|token|credential|accesskey|api[-_.]?key|authorization)[^=]*'\s*=`)

// openHistory loads the file; one that cannot be read is an empty history.
func openHistory(path string) *history {
	h := &history{path: path}
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var text string
		if json.Unmarshal(lines.Bytes(), &text) == nil {
			h.items = append(h.items, text)
		}
	}
	if len(h.items) > maxHistory {
		h.items = h.items[len(h.items)-maxHistory:]
		h.rewrite()
	}
	return h
}

// add keeps a statement, unless it repeats the last one or holds a secret.
func (h *history) add(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" || secret.MatchString(text) || len(h.items) > 0 && h.items[len(h.items)-1] == text {
		return false
	}
	h.items = append(h.items, text)
	if h.path == "" {
		return true
	}
	_ = os.MkdirAll(filepath.Dir(h.path), 0o755) // a history that cannot be written is not worth an error
	f, err := os.OpenFile(h.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return true
	}
	defer f.Close()
	line, _ := json.Marshal(text)
	_, _ = f.Write(append(line, '\n'))
	return true
}

func (h *history) rewrite() {
	var b strings.Builder
	for _, t := range h.items {
		line, _ := json.Marshal(t)
		b.Write(line)
		b.WriteByte('\n')
	}
	_ = os.WriteFile(h.path, []byte(b.String()), 0o600)
}

// oneLine makes a statement fit the editor's single line: comments to the end of a line become block
// comments, and line ends outside quotes spaces.
func oneLine(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'' || c == '`':
			end := quoteEnd(text, i)
			b.WriteString(text[i:end])
			i = end
		case strings.HasPrefix(text[i:], "--"):
			end := i + strings.IndexByte(text[i:]+"\n", '\n')
			b.WriteString("/*" + strings.ReplaceAll(text[i+2:min(end, len(text))], "*/", "* /") + " */")
			i = end
		case c == '\n' || c == '\r' || c == '\t':
			b.WriteByte(' ')
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// quoteEnd is the offset behind the quoted text that begins at i.
func quoteEnd(text string, i int) int {
	for j := i + 1; j < len(text); j++ {
		if text[j] == text[i] {
			return j + 1
		}
	}
	return len(text)
}
