package planner

import (
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// changeNames are the kinds of changes as TO_CHANGELOG and FROM_CHANGELOG call them.
var changeNames = []string{types.Insert: "INSERT", types.UpdateBefore: "UPDATE_BEFORE", types.UpdateAfter: "UPDATE_AFTER", types.Delete: "DELETE"}

var changeKinds = map[string]types.RowKind{"INSERT": types.Insert, "UPDATE_BEFORE": types.UpdateBefore, "UPDATE_AFTER": types.UpdateAfter, "DELETE": types.Delete}

// changelogParams are the arguments of both functions.
var changelogParams = []string{"INPUT", "OP", "OP_MAPPING", "PRODUCES_FULL_DELETES"}

// changelogFunc binds TO_CHANGELOG and FROM_CHANGELOG.
func (b *binder) changelogFunc(c *ast.Call, name string, outer *scope) (Node, error) {
	params := changelogParams
	if name == "FROM_CHANGELOG" {
		params = params[:3]
	}
	args, err := namedArgs(c, params, 1)
	if err != nil {
		return nil, err
	}
	data, ok := args["INPUT"].(*ast.TableArg)
	switch {
	case !ok:
		return nil, sql.Errorf(args["INPUT"], "%s wants a table first", name).WithHint("write %s(input => TABLE t)", name)
	case len(data.PartitionBy) > 0:
		return nil, sql.Errorf(data.PartitionBy[0], "%s takes no PARTITION BY: it looks at each row by itself", name)
	case len(data.OrderBy) > 0:
		return nil, sql.Errorf(data.OrderBy[0], "%s takes no ORDER BY: changes keep their order", name)
	}
	in, path, err := b.tableArg(data, outer)
	if err != nil {
		return nil, err
	}
	in = b.settle(in, nil)
	codes, err := changeCodes(args["OP_MAPPING"], name)
	if err != nil {
		return nil, err
	}
	op, err := opColumn(args["OP"], name)
	if err != nil {
		return nil, err
	}
	if name == "TO_CHANGELOG" {
		return toChangelog(c, in, op, codes)
	}
	return fromChangelog(c, in, scopeOf(in, path), op, codes)
}

// opColumn is the column that DESCRIPTOR names; nil: none is named.
func opColumn(arg ast.Expr, name string) (*ast.Ident, error) {
	if arg == nil {
		return nil, nil
	}
	d, ok := arg.(*ast.Descriptor)
	if !ok || len(d.Columns) != 1 {
		return nil, sql.Errorf(arg, "argument OP of %s is DESCRIPTOR(column), with one column", name)
	}
	return &d.Columns[0], nil
}

// changeCodes reads MAP['INSERT, UPDATE_AFTER', 'u', ...] as pairs of single names; nil: there is none. Of a name that comes
// twice the last counts.
func changeCodes(arg ast.Expr, name string) ([]codePair, error) {
	if arg == nil {
		return nil, nil
	}
	m, ok := arg.(*ast.Map)
	if !ok {
		return nil, sql.Errorf(arg, "argument OP_MAPPING of %s is MAP['...', '...', ...]", name)
	}
	var out []codePair
	for i := 0; i+1 < len(m.Items); i += 2 {
		key, ok1 := m.Items[i].(*ast.Literal)
		value, ok2 := m.Items[i+1].(*ast.Literal)
		if !ok1 || !ok2 {
			return nil, sql.Errorf(m.Items[i], "the mapping of %s is written out: MAP['...', '...', ...]", name)
		}
		for _, part := range strings.Split(key.Value, ",") {
			out = append(out, codePair{strings.TrimSpace(part), value.Value, key, value})
		}
	}
	return out, nil
}

// codePair is an entry of a mapping.
type codePair struct {
	from, to string
	key, val *ast.Literal
}

func kindNamed(at ast.Node, name string) (types.RowKind, error) {
	k, ok := changeKinds[name]
	if !ok {
		return 0, suggest(sql.Errorf(at, "%q is no kind of change", name), name, changeNames)
	}
	return k, nil
}

func toChangelog(c *ast.Call, in Node, op *ast.Ident, codes []codePair) (Node, error) {
	n := &ToChangelog{Input: in, Codes: map[types.RowKind]string{}}
	for _, p := range codes {
		k, err := kindNamed(p.key, p.from)
		if err != nil {
			return nil, err
		}
		n.Codes[k] = p.to
	}
	if codes == nil {
		for name, k := range changeKinds {
			n.Codes[k] = name
		}
	}
	column := "op"
	var at ast.Node = c
	if op != nil {
		column, at = op.Name, op
	}
	if in.Info().Out.Index(column) >= 0 {
		return nil, sql.Errorf(at, "the table has a column %q already", column).WithHint("name another one: op => DESCRIPTOR(kind)")
	}
	n.Base = newBase(append(types.Schema{{Name: column, Type: types.StringType}}, plain(in.Info().Out)...))
	return n, nil
}

func fromChangelog(c *ast.Call, in Node, s *scope, op *ast.Ident, codes []codePair) (Node, error) {
	n := &FromChangelog{Input: in, Codes: map[string]types.RowKind{}}
	for _, p := range codes {
		k, err := kindNamed(p.val, p.to)
		if err != nil {
			return nil, err
		}
		n.Codes[p.from] = k
	}
	if codes == nil {
		n.Codes = changeKinds
	}
	if m := n.mode(); m.Has(types.UpdateAfter) && !m.Has(types.UpdateBefore) {
		return nil, sql.Errorf(codes[0].key, "a code is mapped to UPDATE_AFTER and none to UPDATE_BEFORE, so no row would ever be taken back").
			WithHint("map the codes of new rows to INSERT, and keep the last row of each key with ROW_NUMBER(); or use a format that knows them, as debezium-json")
	}
	var at ast.Node = c
	name := &ast.Ident{Span: c.Span, Name: "op"}
	if op != nil {
		name, at = op, op
	}
	x, err := s.resolve(&ast.Name{Span: name.Span, Parts: []ast.Ident{*name}})
	if err != nil {
		if op == nil {
			return nil, sql.Errorf(c, "the table has no column \"op\"").WithHint("say which column tells the kind of change: op => DESCRIPTOR(column)")
		}
		return nil, err
	}
	ref, ok := x.(*ColRef)
	if !ok || !x.Type().IsString() {
		return nil, sql.Errorf(at, "column %q is %s, and the kind of a change is a STRING", name.Name, x.Type())
	}
	n.Op = ref.Index
	out := plain(in.Info().Out)
	n.Base = newBase(append(append(types.Schema{}, out[:n.Op]...), out[n.Op+1:]...))
	return n, nil
}
