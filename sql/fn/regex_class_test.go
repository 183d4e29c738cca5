package fn

import "testing"

// TestNestedClasses asks for the first match of patterns whose classes nest, as Java reads them.
func TestNestedClasses(t *testing.T) {
	for _, c := range []struct{ text, pattern, want string }{
		{"abc", "[a[b]]+", "ab"},
		{"abc]", "[a[b]]", "a"},
		{"xyz5", "[a-z&&[^y]]+", "x"},
		{"xyz5", "[^a-z&&[^y]]+", "y"},
		{"q7", "[a-z&&[^a-z]]", "NULL"},
		{"-x", "[[:alpha:]]", "NULL"},
		{"zla", "[[:alpha:]]+", "la"},
		{"aé1", `[\p{L}&&[^a]]`, "é"},
		{"a]b", `[\][b]]+`, "]b"},
		{"ab&", "[a&]+", "a"},
		{"x.y", `\Q[.\E|[.[x]]`, "x"},
	} {
		_, got, err := evalExample("REGEXP_EXTRACT('" + c.text + "', '" + c.pattern + "')")
		if err != nil || got != c.want {
			t.Errorf("%q in %q: want %s, got %s, %v", c.pattern, c.text, c.want, got, err)
		}
	}
}
