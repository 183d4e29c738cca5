package planner

import (
	"fmt"
	"slices"

	"weir/connectors"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// PlanInsert plans INSERT INTO.
func (p *Planner) PlanInsert(s *ast.Insert) (*Plan, error) {
	b := p.binder()
	root, err := b.insert(s)
	if err != nil {
		return nil, err
	}
	return p.finish(b, []Node{root}, []ast.Node{s.Table})
}

// PlanStatementSet plans several INSERTs as one job; what they read in common is read once.
func (p *Planner) PlanStatementSet(s *ast.StatementSet) (*Plan, error) {
	b := p.binder()
	var roots []Node
	var at []ast.Node
	var errs sql.ErrorList
	for _, i := range s.Inserts {
		root, err := b.insert(i)
		if err != nil {
			addError(&errs, err)
			continue
		}
		roots, at = append(roots, root), append(at, i.Table)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		return nil, sql.Errorf(s, "the statement set is empty").WithHint("put INSERT INTO statements between BEGIN and END")
	}
	return p.finish(b, roots, at)
}

// CreateTableAs makes a table and plans the INSERT that fills it.
func (p *Planner) CreateTableAs(s *ast.CreateTable, src string) (*Plan, error) {
	b := p.binder()
	n, err := b.query(s.As, nil)
	if err != nil {
		return nil, err
	}
	t, err := p.createTable(s, src, n.Info().Out)
	if err != nil || t == nil {
		return nil, err
	}
	drop := &ast.Drop{Span: s.Span, Kind: "TABLE", Temporary: s.Temporary, Name: s.Name}
	sink, err := b.sinkTo(s.Name, nil, t, false)
	if err == nil {
		var exprs []Expr
		for _, c := range t.written() {
			i := n.Info().Out.Index(c.Name)
			if i < 0 {
				exprs = append(exprs, NullLit(c.Type))
				continue
			}
			exprs = append(exprs, &ColRef{Index: i, T: n.Info().Out[i].Type})
		}
		err = b.fill(sink, s.As, n, exprs)
	}
	if err != nil {
		_ = p.Catalog.Drop(drop)
		return nil, err
	}
	plan, err := p.finish(b, []Node{sink}, []ast.Node{s.Name})
	if err != nil {
		_ = p.Catalog.Drop(drop)
	}
	return plan, err
}

// written are the columns that a sink takes, in declared order: neither computed nor virtual.
func (t *Table) written() []TableColumn {
	var out []TableColumn
	for _, c := range t.Columns {
		if c.Kind == Physical || c.Kind == Metadata && !c.Virtual {
			out = append(out, c)
		}
	}
	return out
}

func (b *binder) insert(s *ast.Insert) (*Sink, error) {
	t, err := b.p.Catalog.Table(s.Table)
	if err != nil {
		return nil, err
	}
	if s.Overwrite && !b.p.Settings.Batch {
		b.warn(s.Table, "INSERT OVERWRITE does not run on Flink while streaming", "there, SET 'execution.runtime-mode' = 'batch'")
	}
	sink, err := b.sinkTo(s.Table, s.Hints, t, s.Overwrite)
	if err != nil {
		return nil, err
	}
	n, err := b.query(s.Query, nil)
	if err != nil {
		return nil, err
	}
	for _, x := range postorder([]Node{n}) {
		if scan, ok := x.(*Scan); ok && scan.Table.Path == t.Path {
			b.warn(s.Table, fmt.Sprintf("table %q is written by a query that reads it, so what is written may be read again, without end", t.Path[2]), "write to another table")
			break
		}
	}
	exprs, err := b.targets(s, t, n)
	if err != nil {
		return nil, err
	}
	return sink, b.fill(sink, s.Query, n, exprs)
}

// sinkTo makes the Sink of a table, without an input yet.
func (b *binder) sinkTo(at *ast.Name, hints []*ast.Hint, t *Table, overwrite bool) (*Sink, error) {
	values := t.optionValues()
	if _, err := hinted(t.Options, values, hints); err != nil {
		return nil, err
	}
	cfg, common, _, err := b.p.decode(values, at)
	if err != nil {
		return nil, err
	}
	if _, ok := cfg.(connectors.Writes); !ok {
		return nil, sql.Errorf(at, "table %q cannot be written: connector %q only reads", at.Last(), t.Options["connector"])
	}
	if _, ok := cfg.(connectors.Overwriter); overwrite && !ok {
		return nil, sql.Errorf(at, "table %q cannot be overwritten: connector %q only adds", at.Last(), t.Options["connector"]).WithHint("write INSERT INTO")
	}
	sink := &Sink{Base: newBase(nil), Table: t, Config: cfg, Common: common, Overwrite: overwrite}
	sink.ErrorTarget, _, err = b.rejectTargets(at, t, &common)
	return sink, err
}

// targets gives an expression over the query for each written column, in declared order.
func (b *binder) targets(s *ast.Insert, t *Table, n Node) ([]Expr, error) {
	cols := t.written()
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name
	}
	exprs := make([]Expr, len(cols))
	for _, pv := range s.Partition {
		i := slices.Index(t.PartitionBy, pv.Name.Name)
		if i < 0 {
			return nil, suggest(sql.Errorf(&pv.Name, "table %q is not partitioned by %q", t.Path[2], pv.Name.Name), pv.Name.Name, t.PartitionBy)
		}
		if pv.Value == nil {
			continue
		}
		x, err := b.expr(&scope{}, pv.Value)
		if err != nil {
			return nil, err
		}
		if at := slices.Index(names, pv.Name.Name); at >= 0 {
			exprs[at] = x
		}
	}
	want, err := insertOrder(s, t, names, exprs)
	if err != nil {
		return nil, err
	}
	out := n.Info().Out
	if len(out) != len(want) {
		err := sql.Errorf(s.Query, "the query gives %s, and %q takes %d", countWord(len(out), "column"), t.Path[2], len(want))
		return nil, err.WithHint("the query gives (%s), the table takes (%s)", schemaText(out), columnsText(cols, want))
	}
	for i, c := range want {
		exprs[c] = &ColRef{Index: i, T: out[i].Type}
	}
	for i := range exprs {
		if exprs[i] == nil {
			exprs[i] = NullLit(cols[i].Type)
		}
	}
	return exprs, nil
}

// insertOrder gives the written column of each column of the query.
func insertOrder(s *ast.Insert, t *Table, names []string, set []Expr) ([]int, error) {
	var want []int
	for i := range s.Columns {
		c := &s.Columns[i]
		at := slices.Index(names, c.Name)
		if at < 0 {
			err := sql.Errorf(c, "no column %q to write in %q", c.Name, t.Path[2])
			if col := t.column(c.Name); col != nil {
				return nil, err.WithHint("column %q is computed or virtual, so it is only read", c.Name)
			}
			return nil, suggest(err, c.Name, names)
		}
		if slices.Contains(want, at) || set[at] != nil {
			return nil, sql.Errorf(c, "column %q is given twice", c.Name)
		}
		want = append(want, at)
	}
	if s.Columns != nil {
		return want, nil
	}
	for i := range names {
		if set[i] == nil {
			want = append(want, i)
		}
	}
	return want, nil
}

func schemaText(s types.Schema) string {
	out := ""
	for i, c := range s {
		if i > 0 {
			out += ", "
		}
		out += c.Name + " " + c.Type.WithNull(true).String()
	}
	return out
}

func columnsText(cols []TableColumn, which []int) string {
	var s types.Schema
	for _, i := range which {
		s = append(s, types.Column{Name: cols[i].Name, Type: cols[i].Type})
	}
	return schemaText(s)
}

// fill puts the query under the sink: implicit casts, checks of narrowing and of NOT NULL. The sink's
// input has physical columns first, then written metadata, as connectors take them.
func (b *binder) fill(sink *Sink, q ast.Query, n Node, exprs []Expr) error {
	cols := sink.Table.written()
	order := make([]int, 0, len(cols))
	for _, kind := range []ColumnKind{Physical, Metadata} {
		for i, c := range cols {
			if c.Kind == kind {
				order = append(order, i)
			}
		}
	}
	var errs sql.ErrorList
	var list []Expr
	var names []string
	for at, i := range order {
		c, x := cols[i], exprs[i]
		ok, narrow := storable(x.Type(), c.Type)
		if !ok {
			addError(&errs, sql.Errorf(columnAt(q, x), "column %q of %q is %s, and the query gives %s", c.Name, sink.Table.Path[2], c.Type.WithNull(true), x.Type().WithNull(true)).
				WithHint("write CAST(... AS %s)", c.Type.WithNull(true)))
			continue
		}
		if narrow {
			sink.Narrow = append(sink.Narrow, NarrowCheck{Column: at, From: x.Type(), To: c.Type})
			b.warn(columnAt(q, x), fmt.Sprintf("%s goes into column %q of %s: a value out of its range stops the job, and Flink refuses the statement", x.Type().WithNull(true), c.Name, c.Type.WithNull(true)),
				fmt.Sprintf("write CAST(... AS %s), or declare the column %s", c.Type.WithNull(true), x.Type().WithNull(true)))
		} else if !fitsAsIs(x.Type(), c.Type) {
			x = b.fold(castTo(x, c.Type))
		}
		if c.Type.NotNull && x.Type().Nullable() {
			sink.NotNull = append(sink.NotNull, at)
		}
		sink.Out = append(sink.Out, types.Column{Name: c.Name, Type: c.Type})
		if slices.Contains(sink.Table.PrimaryKey, c.Name) {
			sink.Key = append(sink.Key, at)
		}
		list, names = append(list, x), append(names, c.Name)
	}
	sink.Input = project(n, list, names)
	return errs.Err()
}

// fitsAsIs tells whether a text goes into a column uncast: into a VARCHAR that is as long as its type, or
// longer. What a longer type holds is cut.
func fitsAsIs(from, to types.Type) bool {
	return from.IsString() && (to.Kind == types.VarChar && from.Length <= to.Length || from.Same(to))
}

// columnAt is the place of the query's column that x is, as near as it can be told.
func columnAt(q ast.Query, x Expr) ast.Node {
	sel, ok := q.(*ast.Select)
	c, isCol := x.(*ColRef)
	if !ok || !isCol || c.Index >= len(sel.Items) {
		return q
	}
	for _, it := range sel.Items[:c.Index+1] {
		if _, star := it.Expr.(*ast.Star); star {
			return q
		}
	}
	return sel.Items[c.Index].Expr
}
