package planner

import (
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// from binds FROM: a node, and the scope of its columns.
func (b *binder) from(r ast.Relation, outer *scope) (Node, *scope, error) {
	if r == nil {
		return oneRow(), &scope{}, nil
	}
	n, s, err := b.relation(r, outer)
	if err == nil {
		s.rel = r
	}
	return n, s, err
}

func (b *binder) relation(r ast.Relation, outer *scope) (Node, *scope, error) {
	switch r := r.(type) {
	case *ast.Table:
		n, path, err := b.table(r)
		if err != nil {
			return nil, nil, err
		}
		return n, scopeOf(n, path), nil
	case *ast.Aliased:
		return b.aliased(r, outer)
	case *ast.Derived:
		n, err := b.part(r.Query, outer)
		if err != nil {
			return nil, nil, err
		}
		return n, scopeOf(n, nil), nil
	case *ast.TableFunc:
		n, err := b.tableFunc(r, outer)
		if err != nil {
			return nil, nil, err
		}
		return n, scopeOf(n, nil), nil
	case *ast.Join:
		return b.join(r, outer)
	case *ast.Unnest:
		return b.unnestAlone(r, outer)
	case *ast.MatchRecognize:
		return b.match(r, outer)
	}
	return nil, nil, notYet(r, "this relation")
}

// aliased gives a relation a name, and maybe its columns names.
func (b *binder) aliased(a *ast.Aliased, outer *scope) (Node, *scope, error) {
	n, _, err := b.relation(a.Input, outer)
	if err != nil {
		return nil, nil, err
	}
	if n, err = b.rename(n, a.Columns); err != nil {
		return nil, nil, err
	}
	return n, scopeOf(n, []string{a.Name.Name}), nil
}

// table binds a table, a view or a query of WITH by its name; the path is what qualifies its columns.
func (b *binder) table(t *ast.Table) (Node, []string, error) {
	if t.AsOf != nil {
		return nil, nil, sql.Errorf(t.AsOf, "FOR SYSTEM_TIME AS OF goes with JOIN").WithHint("write ... JOIN %s FOR SYSTEM_TIME AS OF left.time ON ...", t.Name.Last())
	}
	if len(t.Name.Parts) == 1 {
		n, ok, err := b.cte(t.Name.Last())
		if ok && err == nil {
			err = noOptions(t.Hints, "query of WITH", t.Name.Last())
		}
		if ok || err != nil {
			return n, []string{t.Name.Last()}, err
		}
	}
	obj, err := b.p.Catalog.find(t.Name)
	if err != nil {
		return nil, nil, err
	}
	if obj.view != nil {
		if err := noOptions(t.Hints, "view", t.Name.Last()); err != nil {
			return nil, nil, err
		}
		n, err := b.view(t, obj)
		return n, obj.path[:], err
	}
	n, err := b.scan(t, obj.table)
	if err != nil {
		return nil, nil, err
	}
	return b.normalized(n), obj.path[:], nil
}

// view binds a view's query anew for each use.
func (b *binder) view(t *ast.Table, obj *object) (Node, error) {
	name := strings.Join(obj.path[:], ".")
	if slices.Contains(b.views, name) {
		return nil, sql.Errorf(t, "view %q reads itself", t.Name.String())
	}
	keepViews, keepCTEs := b.views, b.ctes
	b.views, b.ctes = append(b.views, name), nil
	defer func() { b.views, b.ctes = keepViews, keepCTEs }()
	n, err := b.query(obj.view.query, nil)
	if err != nil {
		return nil, sql.Errorf(t, "view %q does not fit its tables any more: %s", t.Name.String(), plainMsg(err))
	}
	return b.renameTo(n, obj.view.columns), nil
}

func plainMsg(err error) string {
	if e, ok := err.(*sql.Error); ok {
		return e.Msg
	}
	return err.Error()
}

func (b *binder) renameTo(n Node, names []string) Node {
	out := n.Info().Out
	if len(names) != len(out) || slices.Equal(names, out.Names()) {
		return n
	}
	cols := append(types.Schema(nil), out...)
	for i := range cols {
		cols[i].Name = names[i]
	}
	return &Calc{Base: newBase(cols), Input: n, Exprs: refs(out)}
}

// windowTVFs are the window table functions.
var windowTVFs = map[string]WindowKind{"TUMBLE": Tumble, "HOP": Hop, "CUMULATE": Cumulate, "SESSION": Session, "STAGGER": Stagger}

// tableFunc binds a table function: a window, or a model.
func (b *binder) tableFunc(f *ast.TableFunc, outer *scope) (Node, error) {
	name := strings.ToUpper(f.Call.Name.Last())
	if name == "ML_PREDICT" {
		return b.predict(f.Call, outer)
	}
	if name == "TO_CHANGELOG" || name == "FROM_CHANGELOG" {
		return b.changelogFunc(f.Call, name, outer)
	}
	if name == "ML_EVALUATE" { // which Flink parses, and cannot plan either
		return nil, sql.Errorf(f.Call, "ML_EVALUATE is not supported").WithHint("ask the model with ML_PREDICT, and compare its answers in SQL: AVG(CASE WHEN answer = label THEN 1.0 ELSE 0 END)")
	}
	kind, ok := windowTVFs[name]
	if !ok || len(f.Call.Name.Parts) != 1 {
		err := sql.Errorf(f.Call.Name, "table function %q is not known", f.Call.Name.String())
		return nil, suggest(err, name, []string{"TUMBLE", "HOP", "CUMULATE", "SESSION", "STAGGER", "ML_PREDICT", "TO_CHANGELOG", "FROM_CHANGELOG"})
	}
	args, err := windowArgs(f.Call, kind)
	if err != nil {
		return nil, err
	}
	data, ok := args["DATA"].(*ast.TableArg)
	if !ok {
		return nil, sql.Errorf(f.Call, "%s wants a table first", name).WithHint("write %s(TABLE t, DESCRIPTOR(time), INTERVAL ...)", name)
	}
	if len(data.OrderBy) > 0 {
		return nil, sql.Errorf(data.OrderBy[0], "%s takes no ORDER BY: rows are put into windows by their time", name)
	}
	in, path, err := b.tableArg(data, outer)
	if err != nil {
		return nil, err
	}
	s := scopeOf(in, path)
	w := Window{Kind: kind, Start: -1, End: -1}
	if err := b.tvfTime(&w, f.Call, args["TIMECOL"], s, in); err != nil {
		return nil, err
	}
	if err := b.tvfSizes(&w, args, s, data); err != nil {
		return nil, err
	}
	if kind == Stagger {
		b.warn(f.Call, "STAGGER does not run on Flink, and no window of Flink's begins with a key's first row", "there, TUMBLE of the same size cuts at fixed times; MATCH_RECOGNIZE (PATTERN (A B* C), C at least a size after A) finds the same windows, and gives each with the key's next row")
	}
	return windowTVF(in, w)
}

// byKey tells whether the windows of a table function are those of each key.
func (w *Window) byKey() bool { return w.Kind == Session || w.Kind == Stagger }

func windowTVF(in Node, w Window) (Node, error) {
	from := in.Info().Out
	cols := append(types.Schema(nil), from...)
	cols = append(cols, types.Column{Name: "window_start", Type: windowTimeType}, types.Column{Name: "window_end", Type: windowTimeType})
	t := types.Column{Name: "window_time", Type: from[w.TimeCol].Type.WithNull(false), TimeAttr: types.RowTime}
	if w.ProcTime {
		t.Type, t.TimeAttr = procTimeType, types.ProcTime
	}
	return &WindowTVF{Base: newBase(append(cols, t)), Input: in, Window: w}, nil
}

// tvfParams are the names and order of the arguments of window table functions.
var tvfParams = map[WindowKind][]string{
	Tumble: {"DATA", "TIMECOL", "SIZE", "OFFSET"}, Hop: {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
	Cumulate: {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"}, Session: {"DATA", "TIMECOL", "GAP"},
	Stagger: {"DATA", "TIMECOL", "SIZE"},
}

// windowArgs puts arguments, named or in order, to their names.
func windowArgs(c *ast.Call, kind WindowKind) (map[string]ast.Expr, error) {
	params := tvfParams[kind]
	out := map[string]ast.Expr{}
	for i, a := range c.Args {
		if named, ok := a.(*ast.NamedArg); ok {
			name := strings.ToUpper(named.Name.Name)
			if !slices.Contains(params, name) {
				return nil, suggest(sql.Errorf(&named.Name, "%s has no argument %q", c.Name.Last(), named.Name.Name), name, params)
			}
			out[name] = named.Value
			continue
		}
		if i >= len(params) {
			return nil, sql.Errorf(a, "%s takes at most %d arguments", c.Name.Last(), len(params))
		}
		out[params[i]] = a
	}
	for _, p := range params {
		if out[p] == nil && p != "OFFSET" {
			return nil, sql.Errorf(c, "%s lacks its argument %s", c.Name.Last(), p).WithHint("the arguments are %s", strings.Join(params, ", "))
		}
	}
	return out, nil
}

func (b *binder) tableArg(t *ast.TableArg, outer *scope) (Node, []string, error) {
	if t.Query != nil {
		n, err := b.query(t.Query, outer)
		return n, nil, err
	}
	return b.table(&ast.Table{Span: t.Span, Name: t.Table})
}

func (b *binder) tvfTime(w *Window, c *ast.Call, arg ast.Expr, s *scope, in Node) error {
	d, ok := arg.(*ast.Descriptor)
	if !ok || len(d.Columns) != 1 {
		return sql.Errorf(arg, "this argument must be DESCRIPTOR(column), with the time attribute")
	}
	x, err := s.resolve(&ast.Name{Span: d.Columns[0].Span, Parts: d.Columns[:1]})
	if err != nil {
		return err
	}
	ref, ok := x.(*ColRef)
	if !ok {
		return sql.Errorf(d, "DESCRIPTOR names a column")
	}
	w.TimeCol = ref.Index
	return b.windowTime(w, &d.Columns[0], x, s, in)
}

func (b *binder) tvfSizes(w *Window, args map[string]ast.Expr, s *scope, data *ast.TableArg) error {
	var list []ast.Expr
	for _, p := range tvfParams[w.Kind][2:] {
		if p != "OFFSET" {
			list = append(list, args[p])
		}
	}
	if err := b.windowSizes(w, s, list); err != nil {
		return err
	}
	if o := args["OFFSET"]; o != nil {
		var err error
		if w.Offset, err = b.millis(s, o); err != nil {
			return err
		}
	}
	for _, e := range data.PartitionBy {
		x, err := b.expr(s, e)
		if err != nil {
			return err
		}
		ref, ok := x.(*ColRef)
		if !ok {
			return sql.Errorf(e, "PARTITION BY of a table function names columns")
		}
		w.PartitionBy = append(w.PartitionBy, ref.Index)
	}
	if len(w.PartitionBy) > 0 && !w.byKey() {
		return sql.Errorf(data, "only SESSION and STAGGER take PARTITION BY")
	}
	return nil
}
