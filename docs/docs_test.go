package docs

import (
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSemanticsNamesTests checks that each line of flink-semantics.md names tests that are there: files of
// queries, with the line where a case begins, and Go tests by package.
func TestSemanticsNamesTests(t *testing.T) {
	page, err := os.ReadFile("flink-semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^\| (\d+) \| .* \| (.*) \|$`)
	want := 1
	for _, line := range strings.Split(string(page), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != strconv.Itoa(want) {
			t.Errorf("line %s follows line %d", m[1], want-1)
		}
		want++
		named, folder := 0, ""
		for _, part := range strings.Split(m[2], "; ") {
			if pkg, tests, ok := strings.Cut(part, ": "); ok {
				named += goTests(t, m[1], pkg, tests)
			} else {
				folder, named = queries(t, m[1], folder, part), named+1
			}
		}
		if named == 0 {
			t.Errorf("line %s names no test", m[1])
		}
	}
	if want != 71 {
		t.Errorf("the page has %d lines, want 70", want-1)
	}
}

// goTests checks that a package has the tests named in a list, of which words in parentheses are no part.
func goTests(t *testing.T, line, pkg, list string) (n int) {
	files, err := os.ReadDir("../" + pkg)
	if err != nil {
		t.Errorf("line %s: %v", line, err)
	}
	var code strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") {
			text, err := os.ReadFile("../" + pkg + "/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(list, -1) {
		n++
		if !strings.Contains(code.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("line %s: %s has no %s", line, pkg, name)
		}
	}
	return n
}

// queries checks a file, and that a case begins at each line named; a file without folder is in the one before.
func queries(t *testing.T, line, folder, part string) string {
	file := ""
	for _, ref := range strings.Split(part, ", ") {
		name, at, numbered := strings.Cut(ref, ":")
		if name != "" {
			if file = name; !strings.Contains(name, "/") {
				file = path.Join(folder, name)
			}
			folder = path.Dir(file)
		}
		text, err := os.ReadFile("../" + file)
		if err != nil {
			t.Errorf("line %s: %v", line, err)
			return folder
		}
		lines := strings.Split(string(text), "\n")
		n, err := strconv.Atoi(at)
		if numbered && (err != nil || n < 1 || n > len(lines) || !begins(lines, n-1)) {
			t.Errorf("line %s: no case of %s begins at line %s", line, file, at)
		}
	}
	return folder
}

// begins tells whether a block, or the comment on one, begins at a line.
func begins(lines []string, i int) bool {
	head := regexp.MustCompile(`^(query|sql|feed|file|explain|output|#)`).MatchString(lines[i])
	return head && (i == 0 || lines[i-1] == "" || strings.HasPrefix(lines[i-1], "#"))
}
