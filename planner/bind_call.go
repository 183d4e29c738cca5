package planner

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// The names under which sql/fn has what has a syntax of its own.
const (
	fnItem  = "ITEM"
	fnArray = "ARRAY"
	fnMap   = "MAP"
	fnRow   = "ROW"
)

// apply binds the arguments and calls the function.
func (b *binder) apply(s *scope, at ast.Node, name string, args ...ast.Expr) (Expr, error) {
	bound, err := b.exprs(s, args...)
	if err != nil {
		return nil, err
	}
	return b.invoke(at, name, bound)
}

// invoke calls a function of sql/fn with bound arguments, cast to what it wants.
func (b *binder) invoke(at ast.Node, name string, args []Expr) (Expr, error) {
	f, ok := fn.Lookup(name)
	if !ok {
		return nil, b.unknownFunc(at, name)
	}
	list := make([]fn.Arg, len(args))
	for i, a := range args {
		list[i] = fn.Arg{Type: a.Type(), Lit: constOf(a), Call: CallName(a)}
		if a.Type().Kind == types.Null {
			list[i].Lit = nil // of no type yet, so it has no value to look at
		}
	}
	call, err := f.Bind(list)
	if err != nil {
		return nil, sql.Errorf(at, "%s", err.Error())
	}
	out := &Call{Func: f.Name, Args: make([]Expr, len(args)), T: call.Type, at: b.place(at)}
	for i, a := range args {
		out.Args[i] = a
		if i < len(call.Args) && call.Args[i].Kind != types.Symbol {
			out.Args[i] = b.fold(castTo(a, call.Args[i]))
		}
	}
	if call.Volatile {
		return out, nil
	}
	return refuse(at, out, b.fold(out)), nil
}

func (b *binder) unknownFunc(at ast.Node, name string) error {
	if call, ok := at.(*ast.Call); ok {
		at = call.Name
	}
	err := sql.Errorf(at, "function %q is not known", name)
	if why := fn.WhyUnbuilt(name); why != "" {
		return err.WithHint("%s", why)
	}
	if write := insteadOf[strings.ToUpper(name)]; write != "" {
		return err.WithHint("write %s", write)
	}
	if near := sql.Nearest(name, append(aggNames(), fn.Names()...)); near != "" {
		err.Msg += fmt.Sprintf("; did you mean %s?", near)
	}
	return err
}

// call binds a function call in any syntax.
func (b *binder) call(s *scope, c *ast.Call) (Expr, error) {
	name := strings.ToUpper(c.Name.Last())
	if c.Over != nil {
		return b.overCall(s, c)
	}
	b.untypedArgs(c)
	if len(c.Name.Parts) == 1 {
		if special := b.special(name); special != nil {
			return special(s, c)
		}
	}
	if isAgg(name) {
		return nil, sql.Errorf(c, "aggregate %s is not allowed here", name).WithHint("aggregates stand in SELECT, HAVING and ORDER BY, and not inside one another")
	}
	if _, ok := windowFuncs[name]; ok {
		return nil, sql.Errorf(c, "%s goes with a GROUP BY of the same window", name)
	}
	if c.Nulls != "" {
		return nil, sql.Errorf(c, "%s takes no %s NULLS", name, c.Nulls)
	}
	if c.Distinct || c.All || c.Filter != nil || c.WithinGroup != nil || c.OrderBy != nil || c.Star {
		return nil, sql.Errorf(c, "%s is not an aggregate, so it takes no DISTINCT, ALL, FILTER, ORDER BY or *", name)
	}
	if _, ok := fn.Lookup(name); !ok {
		return nil, b.unknownFunc(c, name) // before what may be wrong with its arguments
	}
	args, err := b.callArgs(s, c)
	if err != nil {
		return nil, err
	}
	if instead, own := fn.Extension(name); own {
		b.warn(c, name+" does not run on Flink", instead)
	}
	return b.invoke(c, name, args)
}

// callArgs binds the arguments of a call; keywords of its syntax are symbols among them.
func (b *binder) callArgs(s *scope, c *ast.Call) ([]Expr, error) {
	args, err := b.exprs(s, c.Args...)
	if err != nil {
		return nil, err
	}
	return b.syntaxArgs(s, c, args)
}

// special gives the functions that are bound here because they are more than a kernel: lazy, or they
// read time attributes.
func (b *binder) special(name string) func(*scope, *ast.Call) (Expr, error) {
	switch name {
	case "IF":
		return b.ifCall
	case "PROCTIME":
		return b.procTime
	case "CURRENT_WATERMARK":
		return b.currentWatermark
	}
	return nil
}

func wantArgs(c *ast.Call, lo, hi int) error {
	n := len(c.Args)
	if n >= lo && (n <= hi || hi < 0) {
		return nil
	}
	want := fmt.Sprint(lo)
	if hi < 0 {
		want = fmt.Sprintf("at least %d", lo)
	}
	return sql.Errorf(c, "%s takes %s arguments, got %d", strings.ToUpper(c.Name.Last()), want, n)
}

// ifCall is IF(cond, a, b): a CASE whose result may be NULL where any operand may, as Flink types it.
func (b *binder) ifCall(s *scope, c *ast.Call) (Expr, error) {
	if err := wantArgs(c, 3, 3); err != nil {
		return nil, err
	}
	args, err := b.exprs(s, c.Args...)
	if err != nil {
		return nil, err
	}
	cond, err := b.boolean(c.Args[0], args[0])
	if err != nil {
		return nil, err
	}
	out := &Case{Whens: []When{{cond, args[1]}}, Else: args[2]}
	if err := b.unify(c, out, []ast.Node{c.Args[1], c.Args[2]}); err != nil {
		return nil, err
	}
	out.T = out.T.WithNull(out.T.Nullable() || cond.Type().Nullable())
	return b.fold(out), nil
}

// procTimeType is the type of processing time.
var procTimeType = types.LTZType(3).WithNull(false)

func (b *binder) procTime(_ *scope, c *ast.Call) (Expr, error) {
	if err := wantArgs(c, 0, 0); err != nil {
		return nil, err
	}
	return &Call{Func: "PROCTIME", T: procTimeType}, nil
}

// isProcTime tells whether e is the processing clock.
func isProcTime(e Expr) bool {
	c, ok := e.(*Call)
	return ok && c.Func == "PROCTIME"
}

func (b *binder) currentWatermark(s *scope, c *ast.Call) (Expr, error) {
	if err := wantArgs(c, 1, 1); err != nil {
		return nil, err
	}
	x, err := b.expr(s, c.Args[0])
	if err != nil {
		return nil, err
	}
	ref, ok := x.(*ColRef)
	if !ok || ref.Index >= len(s.cols) || s.cols[ref.Index].attr != types.RowTime {
		return nil, sql.Errorf(c.Args[0], "CURRENT_WATERMARK wants the row-time attribute, the column with the WATERMARK")
	}
	b.readsWatermark = true
	return &Call{Func: "CURRENT_WATERMARK", Args: []Expr{x}, T: x.Type().WithNull(true)}, nil
}

func (b *binder) cast(s *scope, e *ast.Cast) (Expr, error) {
	x, err := b.expr(s, e.X)
	if err != nil {
		return nil, err
	}
	t, err := resolveType(e.Type)
	if err != nil {
		return nil, err
	}
	from := x.Type()
	if from.Kind == types.Null {
		return NullLit(t), nil
	}
	if _, err := fn.Cast(from, t, e.Try); err != nil {
		return nil, sql.Errorf(e, "%s", err.Error())
	}
	nullable := from.Nullable() || e.Try
	if from.Same(t) && from.Nullable() == nullable {
		return x, nil
	}
	cast := &Cast{X: x, T: t.WithNull(nullable), Try: e.Try}
	return refuse(e, cast, b.fold(cast)), nil
}

func (b *binder) row(s *scope, e *ast.Row) (Expr, error) {
	if len(e.Items) == 1 && !e.Explicit {
		return b.expr(s, e.Items[0])
	}
	items, err := b.exprs(s, e.Items...)
	if err != nil {
		return nil, err
	}
	return b.invoke(e, fnRow, items)
}

// collection brings the items of an ARRAY to one type.
func (b *binder) collection(s *scope, at ast.Node, name string, list []ast.Expr) (Expr, error) {
	items, err := b.exprs(s, list...)
	if err != nil {
		return nil, err
	}
	if err := b.sameType(at, items); err != nil {
		return nil, err
	}
	return b.invoke(at, name, items)
}

func (b *binder) sameType(at ast.Node, items []Expr) error {
	all := make([]types.Type, len(items))
	for i, x := range items {
		all[i] = x.Type()
	}
	t, ok := fn.CommonType(all...)
	if !ok {
		return noCommon(at, "the elements", all).WithHint("write CAST(... AS type) around one of them")
	}
	for i := range items {
		items[i] = b.fold(castTo(items[i], t))
	}
	return nil
}

func (b *binder) mapExprOf(s *scope, e *ast.Map) (Expr, error) {
	items, err := b.exprs(s, e.Items...)
	if err != nil {
		return nil, err
	}
	var keys, values []Expr
	for i, x := range items {
		if i%2 == 0 {
			keys = append(keys, x)
		} else {
			values = append(values, x)
		}
	}
	if err := b.sameType(e, keys); err != nil {
		return nil, err
	}
	if err := b.sameType(e, values); err != nil {
		return nil, err
	}
	for i := range items {
		if i%2 == 0 {
			items[i] = keys[i/2]
		} else {
			items[i] = values[i/2]
		}
	}
	return b.invoke(e, fnMap, items)
}

func (b *binder) atTimeZone(s *scope, e *ast.AtTimeZone) (Expr, error) {
	return b.apply(s, e, "AT_TIME_ZONE", e.X, e.Zone)
}

// fold computes a constant expression at planning. What fails is left to fail at run time, on the rows
// that reach it; what depends on the moment is left too.
func (b *binder) fold(e Expr) Expr {
	switch x := e.(type) {
	case *Literal, *ColRef:
		return e
	case *Call:
		if x.Func == "COALESCE" {
			e = reachable(x)
		}
	}
	for _, c := range children(e) {
		if _, ok := c.(*Literal); !ok {
			return e
		}
	}
	switch e := e.(type) {
	case *Call:
		return b.foldCall(e)
	case *Cast:
		return b.foldCast(e)
	case *Not, *And, *Or, *Case:
		return foldLogic(e)
	}
	return e
}

func (b *binder) foldCall(e *Call) Expr {
	f, ok := fn.Lookup(e.Func)
	if !ok {
		return e
	}
	args, list := make([]vec.Vec, len(e.Args)), make([]fn.Arg, len(e.Args))
	for i, a := range e.Args {
		if e.Func == fnRow {
			if a = present(a); a.(*Literal).Refused != nil { // each field of a ROW is a constant of its own
				return e
			}
		}
		v := constOf(a)
		if v == nil {
			return e
		}
		args[i], list[i] = *v, fn.Arg{Type: a.Type(), Lit: v, Call: CallName(a)}
	}
	call, err := f.Bind(list)
	if err != nil || call.Volatile {
		return e
	}
	out, err := call.Eval(b.fnCtx(), args, 1)
	if err != nil {
		return e
	}
	folded := &Literal{T: call.Type, Val: unsignedZero(out.Column(1)), Call: e.Func}
	folded.Absent = givesAbsent(e) && isNullLit(folded) && (isAbsent(e.Args[0]) || !isNullLit(e.Args[0])) && !isNullLit(e.Args[1])
	if arrow.TypeEqual(call.Type.Arrow(), e.T.Arrow()) {
		folded.T = e.T
		return folded
	}
	// The arguments have been cast since the call was bound: BIGINT % INT, which is INT, is BIGINT % BIGINT now.
	cast, ok := b.foldCast(&Cast{X: folded, T: e.T}).(*Literal)
	if !ok {
		return e
	}
	cast.Call = e.Func
	return cast
}

func (b *binder) foldCast(e *Cast) Expr {
	v := constOf(e.X)
	if v == nil {
		return e
	}
	kernel, err := fn.Cast(e.X.Type(), e.T, e.Try)
	if err != nil {
		return e
	}
	out, err := kernel(b.fnCtx(), []vec.Vec{*v}, 1)
	if err != nil {
		return e
	}
	return &Literal{T: e.T, Val: out.Column(1)}
}

// CallName is the function whose result e is, computed at planning or not, or "".
func CallName(e Expr) string {
	switch e := e.(type) {
	case *Call:
		return e.Func
	case *Literal:
		return e.Call
	}
	return ""
}
