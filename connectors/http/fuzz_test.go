package httpconn

import (
	"net/url"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// FuzzTemplates fills templates with any text: the URL keeps its host and the number of its path's parts, and a JSON
// body stays what it was but for its values.
func FuzzTemplates(f *testing.F) {
	for _, s := range []string{"a", "a/b", "../x", "?q=1&x", "#", "a b", "%2f", `"`, "\\", "\n", "ö", "{name}"} {
		f.Add(s)
	}
	cols := types.Schema{{Name: "name", Type: types.StringType}}
	f.Fuzz(func(t *testing.T, text string) {
		v := newValues(cols, &connectors.Env{})
		b := vec.NewTextBuilder()
		b.AppendString(text)
		v.batch = vec.New(cols.Arrow(), []arrow.Array{b.Array()}, 1, nil)
		u, err := urlTemplate("http://h.example/a/{name}/b?q={name}&r=1", map[string]int{"name": 0})
		if err != nil {
			t.Fatal(err)
		}
		real, _, err := u.expand(v, 0)
		if err != nil {
			return // the text is nothing for a path
		}
		got, err := url.Parse(real)
		if err != nil || got.Host != "h.example" || got.Fragment != "" || strings.Count(got.EscapedPath(), "/") != 3 || len(got.Query()) != 2 || got.Query().Get("q") != text {
			t.Errorf("%q makes %q, %v", text, real, err)
		}
	})
}
