package all

import (
	"sort"
	"strings"
	"testing"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/memory"
	"weir/connectors/option"
)

// TestDocumented wants a name, documentation, an example and documented options of each connector and
// format, and no option bound twice.
func TestDocumented(t *testing.T) {
	var names []string
	for _, c := range append(List(), memory.NewTables().Connector()) {
		names = append(names, c.Name)
		if !strings.HasSuffix(c.Doc, ".") && !strings.HasSuffix(c.Doc, ".\n") || !strings.Contains(c.Example, "'connector' = '"+c.Name+"'") {
			t.Errorf("connector %s: documentation %q, example %q", c.Name, c.Doc, c.Example)
		}
		conf := c.New()
		_, reads := conf.(connectors.Reads)
		_, writes := conf.(connectors.Writes)
		if !reads && !writes {
			t.Errorf("connector %s neither reads nor writes", c.Name)
		}
		checkOptions(t, c.Name, option.Describe(conf, new(connectors.Common)))
	}
	if n := len(names) - 1; !sort.StringsAreSorted(names[:n]) {
		t.Errorf("not in order: %v", names)
	}
	for _, f := range format.List() {
		if f.Doc == "" || !strings.Contains(f.Example, "'format' = '"+f.Name+"'") {
			t.Errorf("format %s: documentation %q, example %q", f.Name, f.Doc, f.Example)
		}
		checkOptions(t, f.Name, option.Describe(f.New()))
	}
}

func checkOptions(t *testing.T, of string, opts []*option.Option) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range opts {
		for _, key := range append([]string{o.Key}, o.Aliases...) {
			if seen[key] {
				t.Errorf("%s: option %q is bound twice", of, key)
			}
			seen[key] = true
		}
		if !strings.HasSuffix(o.Doc, ".") && !strings.HasSuffix(o.Doc, ".)") {
			t.Errorf("%s: option %q: documentation %q is no sentence", of, o.Key, o.Doc)
		}
	}
}
