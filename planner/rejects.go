package planner

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"weir/connectors"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// The ends of the names of tables that nobody declares: what a table rejected.
const (
	ErrorsSuffix = "$errors"
	LateSuffix   = "$late"
)

// RejectTarget is a declared table that takes what another rejects.
type RejectTarget struct {
	Table   *Table
	Config  connectors.Config
	Late    bool
	Columns types.Schema // of the table, in its order; each is one of connectors.RejectedColumns
}

// RejectsOf gives the table whose rejected rows a name means, and whether the late ones.
func RejectsOf(name string) (table string, late, ok bool) {
	if t, found := strings.CutSuffix(name, ErrorsSuffix); found {
		return t, false, t != ""
	}
	t, found := strings.CutSuffix(name, LateSuffix)
	return t, found, found && t != ""
}

// rejects makes the table t$errors or t$late of a table that is there; nil: the path is of neither.
func (c *Catalog) rejects(path [3]string) *object {
	name, late, ok := RejectsOf(path[2])
	if !ok {
		return nil
	}
	base := [3]string{path[0], path[1], name}
	o := c.declared(base)
	if o == nil || o.table == nil {
		return nil
	}
	t := &Table{Path: path, Temporary: o.table.Temporary, Comment: "bad records and rows of " + name}
	kind := "errors"
	if late {
		kind, t.Comment = "late", "late rows of "+name
	}
	t.Options = map[string]string{"connector": RejectsConnector, "table": RejectsOption(base), "kind": kind}
	for _, col := range connectors.RejectedColumns(late) {
		t.Columns = append(t.Columns, TableColumn{Name: col.Name, Type: col.Type})
	}
	t.Desc = t.desc()
	t.Desc.Options = t.Options
	return &object{path: path, table: t}
}

// RejectsConnector is the connector of t$errors and t$late.
const RejectsConnector = "rejects"

// RejectsOption is how that connector names a table: as a path in its store.
func RejectsOption(t [3]string) string {
	var parts []string
	for _, name := range t {
		parts = append(parts, strings.ReplaceAll(url.PathEscape(name), ".", "%2E"))
	}
	return strings.Join(parts, "/")
}

// rejectTargets finds the tables that take a table's bad rows and its late ones.
func (b *binder) rejectTargets(at ast.Node, t *Table, c *connectors.Common) (bad, late *RejectTarget, err error) {
	if c.ErrorMode == "log" && c.ErrorTarget != "" {
		if bad, err = b.rejectTarget(at, t, "error-handling.log.target", c.ErrorTarget, false); err != nil {
			return nil, nil, err
		}
	}
	if c.LateMode == "log" && c.LateTarget != "" {
		late, err = b.rejectTarget(at, t, "late-handling.log.target", c.LateTarget, true)
	}
	return bad, late, err
}

// targetPath is the path of a table that an option names: names without a database are of the table's own.
func targetPath(t *Table, name string) ([3]string, bool) {
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(parts[i]), "`")
		if parts[i] == "" {
			return [3]string{}, false
		}
	}
	switch len(parts) {
	case 1:
		return [3]string{t.Path[0], t.Path[1], parts[0]}, true
	case 2:
		return [3]string{t.Path[0], parts[0], parts[1]}, true
	case 3:
		return [3]string(parts), true
	}
	return [3]string{}, false
}

// RejectTargets lists the tables that a table's options say take what it rejects.
func (c *Catalog) RejectTargets(t *Table) [][3]string {
	var out [][3]string
	for _, key := range []string{"error-handling.log.target", "late-handling.log.target"} {
		if path, ok := targetPath(t, t.Options[key]); ok && t.Options[key] != "" {
			out = append(out, path)
		}
	}
	return out
}

func (b *binder) rejectTarget(at ast.Node, t *Table, option, name string, late bool) (*RejectTarget, error) {
	path, ok := targetPath(t, name)
	if !ok {
		return nil, sql.Errorf(at, "option %q of table %q: %q is no name of a table", option, t.Path[2], name)
	}
	if path == t.Path {
		return nil, sql.Errorf(at, "option %q of table %q names the table itself", option, t.Path[2]).WithHint("name another one, or leave the option out: then %q has the rows", t.Path[2]+suffix(late))
	}
	o := b.p.Catalog.declared(path)
	if o == nil || o.table == nil {
		return nil, sql.Errorf(at, "option %q of table %q: there is no table %q", option, t.Path[2], name).WithHint("make it: %s", targetDDL(name, late))
	}
	target := &RejectTarget{Table: o.table, Late: late}
	cfg, _, _, err := b.p.decode(o.table.optionValues(), at)
	if err != nil {
		return nil, err
	}
	writes, ok := cfg.(connectors.Writes)
	if !ok {
		return nil, sql.Errorf(at, "option %q of table %q: table %q cannot be written: connector %q only reads", option, t.Path[2], name, o.table.Options["connector"])
	}
	if _, err := writes.SinkMode(o.table.Desc, types.AppendMode); err != nil {
		return nil, sql.Errorf(at, "option %q of table %q: table %q: %s", option, t.Path[2], name, err)
	}
	target.Config = cfg
	have := connectors.RejectedColumns(late)
	for _, c := range o.table.written() {
		i := have.Index(c.Name)
		switch {
		case c.Kind != Physical || i < 0:
			return nil, suggest(sql.Errorf(at, "option %q of table %q: table %q has the column %q, and rejected rows have none", option, t.Path[2], name, c.Name), c.Name, have.Names()).
				WithHint("declare it with columns of these: %s", targetDDL(name, late))
		case !have[i].Type.WithNull(true).Same(c.Type.WithNull(true)) || c.Type.NotNull:
			return nil, sql.Errorf(at, "option %q of table %q: column %q of table %q is %s, and is to be %s", option, t.Path[2], c.Name, name, c.Type, have[i].Type.WithNull(true)).
				WithHint("declare it with columns of these: %s", targetDDL(name, late))
		}
		target.Columns = append(target.Columns, have[i])
	}
	if len(target.Columns) == 0 {
		return nil, sql.Errorf(at, "option %q of table %q: table %q takes no column", option, t.Path[2], name).WithHint("declare it with columns of these: %s", targetDDL(name, late))
	}
	return target, nil
}

func suffix(late bool) string {
	if late {
		return LateSuffix
	}
	return ErrorsSuffix
}

// targetDDL is the statement that makes a table for rejected rows.
func targetDDL(name string, late bool) string {
	var cols []string
	for _, c := range connectors.RejectedColumns(late) {
		cols = append(cols, c.Name+" "+c.Type.WithNull(true).String())
	}
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = '...')", name, strings.Join(cols, ", "))
}

// keepsLate tells whether a table that rows of a node come from keeps its late ones.
func keepsLate(n Node) bool {
	return slices.ContainsFunc(postorder([]Node{n}), func(x Node) bool {
		scan, ok := x.(*Scan)
		return ok && scan.Common.LateMode == "log"
	})
}

// policyText says in EXPLAIN what a table does with bad and late rows; "" where nothing was declared.
func policyText(t *Table, c *connectors.Common, source bool) string {
	var out []string
	switch c.ErrorMode {
	case "ignore":
		out = append(out, "bad rows: dropped")
	case "log":
		out = append(out, "bad rows: into "+orOwn(c.ErrorTarget, t, false))
	}
	if source && c.LateMode == "log" {
		out = append(out, "late rows: into "+orOwn(c.LateTarget, t, true))
	}
	return strings.Join(out, ", ")
}

func orOwn(target string, t *Table, late bool) string {
	if target != "" {
		return target
	}
	return t.Path[2] + suffix(late)
}

// dropsBad warns of tables whose bad rows leave no trace but a number.
func dropsBad(t *Table, mode string) []Warning {
	if mode != "ignore" {
		return nil
	}
	return []Warning{{
		Msg:  fmt.Sprintf("bad rows of %q are dropped: only their number is told", t.Path[2]),
		Hint: fmt.Sprintf("'error-handling.mode' = 'log' keeps them in the table `%s`, from which RETRY takes them up again", t.Path[2]+ErrorsSuffix),
	}}
}
