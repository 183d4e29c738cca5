package session

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"weir/connectors/all"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/fn"
)

// FunctionDoc is a function's documentation as text.
func FunctionDoc(name string) (string, bool) {
	if f, ok := fn.Lookup(name); ok {
		return functionText(f.Syntax, f.Doc, f.Examples), true
	}
	if f, ok := fn.LookupAgg(name); ok {
		return functionText(f.Syntax, f.Doc, f.Examples), true
	}
	if f, ok := fn.LookupTableFunc(name); ok {
		return functionText(f.Syntax, f.Doc, f.Examples), true
	}
	return "", false
}

// FunctionNames lists all functions: scalar, aggregate and those that stand in FROM.
func FunctionNames() []string {
	names := slices.Clone(fn.Names())
	for _, f := range fn.AggFuncs {
		names = append(names, f.Name)
	}
	for _, f := range fn.TableFuncs {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func functionText(syntax, doc string, examples []fn.Example) string {
	var b strings.Builder
	b.WriteString(syntax + "\n\n" + doc + "\n")
	for _, e := range examples {
		fmt.Fprintf(&b, "\n  %s  ->  %s", e.SQL, e.Want)
	}
	return strings.TrimRight(b.String(), "\n")
}

// FunctionsPage is docs/functions.md.
func FunctionsPage() string {
	var b strings.Builder
	b.WriteString("# Functions\n\nGenerated from the function tables; do not edit. Every example is a test.\n")
	groups := map[string][]*fn.Func{}
	for _, f := range fn.All() {
		groups[f.Group] = append(groups[f.Group], f)
	}
	var names []string
	for g := range groups {
		names = append(names, g)
	}
	sort.Strings(names)
	for _, g := range names {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(g[:min(1, len(g))])+g[min(1, len(g)):])
		list := groups[g]
		sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
		for _, f := range list {
			page(&b, f.Name, f.Aliases, f.Syntax, f.Doc, f.Examples)
		}
	}
	b.WriteString("\n## Aggregate\n")
	for _, f := range fn.AggFuncs {
		page(&b, f.Name, f.Aliases, f.Syntax, f.Doc, f.Examples)
	}
	b.WriteString("\n## Table\n\nThese stand in FROM, with TABLE( ) around them or without. Examples read this table:\n\n```sql\n" + fn.BidsTable + "\n```\n")
	for _, f := range fn.TableFuncs {
		page(&b, f.Name, nil, f.Syntax, f.Doc, f.Examples)
	}
	b.WriteString("\n## Functions of Flink that weir does not have\n\n")
	for _, u := range fn.UnbuiltFuncs {
		fmt.Fprintf(&b, "- `%s`: %s.\n", u.Name, u.Why)
	}
	return b.String()
}

func page(b *strings.Builder, name string, aliases []string, syntax, doc string, examples []fn.Example) {
	fmt.Fprintf(b, "\n### %s\n\n`%s`\n\n%s\n", name, syntax, doc)
	if len(aliases) > 0 {
		fmt.Fprintf(b, "\nAlso: %s.\n", strings.Join(aliases, ", "))
	}
	if len(examples) == 0 {
		return
	}
	b.WriteString("\n```sql\n")
	for _, e := range examples {
		if strings.Contains(e.Want, "\n") {
			fmt.Fprintf(b, "%s;\n-- %s\n", e.SQL, strings.ReplaceAll(e.Want, "\n", "\n-- "))
			continue
		}
		fmt.Fprintf(b, "%s  -- %s\n", e.SQL, e.Want)
	}
	b.WriteString("```\n")
}

// ConnectorsPage is docs/connectors.md.
func ConnectorsPage() string {
	var b strings.Builder
	b.WriteString("# Connectors and formats\n\nGenerated from the connectors' own declarations; do not edit.\n")
	for _, c := range all.List() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Name, c.Doc)
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sql\n%s;\n```\n", strings.TrimRight(c.Example, "; \n"))
		}
		optionTable(&b, option.Describe(c.New()))
	}
	b.WriteString("\n# Providers of models\n\nCREATE MODEL names one; ML_PREDICT asks it.\n")
	for _, c := range all.Providers() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```sql\n%s;\n```\n", c.Name, c.Doc, c.Example)
		optionTable(&b, option.Describe(c.New()))
	}
	b.WriteString("\n# Formats\n")
	for _, f := range format.List() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", f.Name, f.Doc)
		optionTable(&b, prefixed(f.Name, option.Describe(f.New())))
	}
	return b.String()
}

func prefixed(name string, opts []*option.Option) []*option.Option {
	for _, o := range opts {
		o.Key = name + "." + o.Key
	}
	return opts
}

func optionTable(b *strings.Builder, opts []*option.Option) {
	if len(opts) == 0 {
		return
	}
	b.WriteString("\n| option | type | default | what it does |\n|---|---|---|---|\n")
	for _, o := range opts {
		def := o.Default
		if def != "" {
			def = "`" + def + "`"
		}
		if o.Required {
			def = "required"
		}
		doc := o.Doc
		if len(o.Aliases) > 0 {
			doc += " Also: `" + strings.Join(o.Aliases, "`, `") + "`."
		}
		if o.Unused {
			doc = "Accepted, without effect: " + doc
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", o.Key, o.Type, strings.ReplaceAll(def, "|", "\\|"), strings.ReplaceAll(doc, "|", "\\|"))
	}
}

// SettingsPage is docs/settings.md.
func SettingsPage() string {
	var b strings.Builder
	b.WriteString("# Settings\n\nGenerated from the list of settings; do not edit. `SET 'name' = 'value'` sets one, `-D name=value` on the command line too.\n\n")
	b.WriteString("| setting | default | what it does |\n|---|---|---|\n")
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", s.Name, s.Default, s.Doc)
	}
	b.WriteString("\nSettings of Flink that weir has no use for are accepted with a note.\n")
	return b.String()
}
