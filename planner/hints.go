package planner

import (
	"maps"
	"slices"
	"strings"
	"time"

	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
)

// Hints. OPTIONS stands behind a table, the others behind SELECT. STATE_TTL and LOOKUP are obeyed; the others tell a
// cluster how to carry out a join, for which weir has one way, so they are checked and warned of.

// joinHints name tables.
var joinHints = []string{"BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "MULTI_JOIN"}

// lookupOptions are the options of a LOOKUP hint.
var lookupOptions = []string{"table", "async", "output-mode", "capacity", "timeout", "retry-predicate", "retry-strategy", "fixed-delay", "max-attempts", "shuffle"}

// tableHints gives the options of a table's OPTIONS hints; other hints do not stand there.
func tableHints(hints []*ast.Hint) ([]*ast.Option, error) {
	var out []*ast.Option
	for _, h := range hints {
		if !strings.EqualFold(h.Name.Name, "OPTIONS") {
			if slices.Contains(append(joinHints, "STATE_TTL", "LOOKUP"), strings.ToUpper(h.Name.Name)) {
				return nil, sql.Errorf(h, "hint %s does not stand behind a table", h.Name.Name).WithHint("write it behind SELECT, as SELECT /*+ %s(...) */", h.Name.Name)
			}
			return nil, suggest(sql.Errorf(&h.Name, "hint %q is not known", h.Name.Name), strings.ToUpper(h.Name.Name), []string{"OPTIONS"})
		}
		if len(h.Args) > 0 {
			return nil, sql.Errorf(h.Args[0], "hint OPTIONS wants 'key' = 'value'")
		}
		out = append(out, h.Options...)
	}
	return out, nil
}

// noOptions refuses hints behind what is not a table.
func noOptions(hints []*ast.Hint, what, name string) error {
	if _, err := tableHints(hints); err != nil {
		return err
	}
	if len(hints) > 0 {
		return sql.Errorf(hints[0], "%s %q takes no OPTIONS hint, tables do", what, name).WithHint("write the hint behind the table in its query")
	}
	return nil
}

// hinted is options with those of hints over them.
func hinted(options map[string]string, values map[string]option.Value, hints []*ast.Hint) (map[string]string, error) {
	list, err := tableHints(hints)
	if err != nil || len(list) == 0 {
		return options, err
	}
	options = maps.Clone(options)
	for _, o := range list {
		options[o.Key.Value] = o.Value.Value
		values[o.Key.Value] = option.Value{Text: o.Value.Value, KeyPos: o.Key.Pos(), ValuePos: o.Value.Pos()}
	}
	return options, nil
}

// selectHints reads the hints of a SELECT: the time to live of state, by relation.
func (b *binder) selectHints(q *ast.Select) (map[string]time.Duration, error) {
	if len(q.Hints) == 0 {
		return nil, nil
	}
	var errs sql.ErrorList
	names := relationNames(q.From)
	known := func(at ast.Node, hint, name string) {
		if !slices.Contains(names, name) {
			addError(&errs, suggest(sql.Errorf(at, "hint %s names %q, which is no table of this FROM", hint, name), name, names))
		}
	}
	ttl := map[string]time.Duration{}
	for _, h := range q.Hints {
		name := strings.ToUpper(h.Name.Name)
		switch {
		case name == "STATE_TTL":
			if len(h.Args) > 0 || len(h.Options) == 0 {
				addError(&errs, sql.Errorf(h, "hint STATE_TTL wants 'table' = 'time'").WithHint("write STATE_TTL('orders' = '1 d')"))
			}
			for _, o := range h.Options {
				known(o.Key, name, o.Key.Value)
				d, err := option.ParseDuration(o.Value.Value)
				if err != nil {
					addError(&errs, sql.Errorf(o.Value, "hint STATE_TTL: '%s' %s", o.Value.Value, err))
				}
				ttl[o.Key.Value] = d
			}
		case slices.Contains(joinHints, name):
			if len(h.Options) > 0 || len(h.Args) == 0 {
				addError(&errs, sql.Errorf(h, "hint %s names tables, as %s(t)", name, name))
			}
			for _, a := range h.Args {
				known(a, name, hintArg(a))
			}
			b.warn(h, "hint "+name+" has no effect: weir joins in one way", "leave it out")
		case name == "LOOKUP":
			b.lookupHint(h, known, &errs)
		case name == "OPTIONS":
			addError(&errs, sql.Errorf(h, "hint OPTIONS stands behind a table").WithHint("write FROM t /*+ OPTIONS(...) */"))
		default:
			addError(&errs, suggest(sql.Errorf(&h.Name, "hint %q is not known", h.Name.Name), name, append([]string{"STATE_TTL", "LOOKUP"}, joinHints...)))
		}
	}
	return ttl, errs.Err()
}

// unreadHints warns of STATE_TTL hints by which nothing is kept.
func (b *binder) unreadHints(q *ast.Select) {
	for _, h := range q.Hints {
		for _, o := range h.Options {
			if strings.EqualFold(h.Name.Name, "STATE_TTL") && !b.ttlRead[o.Key.Value] {
				b.warn(o.Key, "hint STATE_TTL of \""+o.Key.Value+"\" has no effect: no join or aggregate keeps its rows", "leave it out")
			}
		}
	}
}

func hintArg(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Name:
		return e.Last()
	case *ast.Literal:
		return e.Value
	}
	return ""
}

// relationNames are the names that hints may use for the relations of a FROM.
func relationNames(r ast.Relation) []string {
	if j, ok := r.(*ast.Join); ok {
		return append(relationNames(j.Left), relationNames(j.Right)...)
	}
	if name := relationName(r); name != "" {
		return []string{name}
	}
	return nil
}

// relationName is the alias of a relation, or its table's name; "" for others.
func relationName(r ast.Relation) string {
	switch r := r.(type) {
	case *ast.Aliased:
		return r.Name.Name
	case *ast.Table:
		return r.Name.Last()
	case *ast.MatchRecognize:
		return relationName(r.Input)
	}
	return ""
}

// ttlOf is the time to live of what is kept of a relation: its hint's, else the session's.
func (b *binder) ttlOf(r ast.Relation) time.Duration {
	if d, ok := b.ttls[relationName(r)]; ok {
		if b.ttlRead == nil {
			b.ttlRead = map[string]bool{}
		}
		b.ttlRead[relationName(r)] = true
		return d
	}
	return b.p.Settings.StateTTL
}
