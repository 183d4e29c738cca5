package planner

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/connectors"
	"weir/sql"
	"weir/sql/ast"
)

// predictParams are the arguments of ML_PREDICT.
var predictParams = []string{"INPUT", "MODEL", "ARGS", "CONFIG"}

// predict binds ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b) [, MAP['async', 'true', ...]]): each row of t with what the model
// answers. It is a join that asks the model by the named columns.
func (b *binder) predict(c *ast.Call, outer *scope) (Node, error) {
	args, err := namedArgs(c, predictParams, 3)
	if err != nil {
		return nil, err
	}
	data, ok := args["INPUT"].(*ast.TableArg)
	if !ok {
		return nil, sql.Errorf(c, "ML_PREDICT wants a table first").WithHint("write ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))")
	}
	model, ok := args["MODEL"].(*ast.ModelArg)
	if !ok {
		return nil, sql.Errorf(args["MODEL"], "the second argument of ML_PREDICT is MODEL and a model's name")
	}
	m, err := b.p.Catalog.Model(model.Model)
	if err != nil {
		return nil, err
	}
	in, path, err := b.tableArg(data, outer)
	if err != nil {
		return nil, err
	}
	in = b.settle(in, nil)
	n := &LookupJoin{Input: in, Table: m.table, Kind: InnerJoin}
	if n.Exprs, err = b.modelInputs(m, args["ARGS"], scopeOf(in, path)); err != nil {
		return nil, err
	}
	cfg, common, err := b.p.provider(m, m.table.optionValues(), model)
	if err != nil {
		return nil, err
	}
	set := b.p.Settings.Predict
	n.Ask = &LookupAsk{Inputs: m.Input, Unordered: set.Unordered, Capacity: set.Capacity, Timeout: set.Timeout, Attempts: 1 + common.retries, OnError: common.onError}
	if set.Capacity == 0 {
		n.Ask.Capacity, n.Ask.Timeout = 10, 3*time.Minute
	}
	if err := predictConfig(n.Ask, args["CONFIG"]); err != nil {
		return nil, err
	}
	if common.onError == "null" {
		n.Kind = LeftJoin
	}
	n.Scan = &Scan{Base: newBase(plain(m.Output)), Table: m.table, Config: cfg, Columns: m.Output, Exprs: refs(plain(m.Output)), Common: connectors.Common{Connector: m.Options["provider"]}}
	out := joinColumns(in.Info().Out, plain(m.Output), n.Kind)
	taken := map[string]bool{}
	for i := range out {
		name := out[i].Name
		for k := 0; taken[out[i].Name]; k++ { // as Flink names what is there twice
			out[i].Name = name + strconv.Itoa(k)
		}
		taken[out[i].Name] = true
	}
	n.Base = newBase(out)
	return n, nil
}

// modelInputs are the columns that DESCRIPTOR names, as the model's input.
func (b *binder) modelInputs(m *Model, arg ast.Expr, s *scope) ([]Expr, error) {
	d, ok := arg.(*ast.Descriptor)
	if !ok {
		return nil, sql.Errorf(arg, "the third argument of ML_PREDICT is DESCRIPTOR(column, ...), with the model's input")
	}
	if len(d.Columns) != len(m.Input) {
		return nil, sql.Errorf(d, "model %q wants %d columns (%s), DESCRIPTOR names %d", m.Path[2], len(m.Input), strings.Join(m.Input.Names(), ", "), len(d.Columns))
	}
	var out []Expr
	for i := range d.Columns {
		x, err := s.resolve(&ast.Name{Span: d.Columns[i].Span, Parts: d.Columns[i : i+1]})
		if err != nil {
			return nil, err
		}
		want := m.Input[i].Type
		if ok, narrow := storable(x.Type(), want); !ok || narrow {
			return nil, sql.Errorf(&d.Columns[i], "column %q is %s, and %q of the model %s", d.Columns[i].Name, x.Type(), m.Input[i].Name, want).WithHint("CAST it in a view or a subquery")
		}
		out = append(out, b.fold(castTo(x, want.WithNull(x.Type().Nullable()))))
	}
	return out, nil
}

// predictOptions are the options of ML_PREDICT, as the LOOKUP hint names them.
var predictOptions = map[string]string{"async": "async", "output-mode": "output-mode", "max-concurrent-operations": "capacity", "timeout": "timeout"}

// predictConfig reads MAP['async', 'true', ...].
func predictConfig(a *LookupAsk, arg ast.Expr) error {
	if arg == nil {
		return nil
	}
	m, ok := arg.(*ast.Map)
	if !ok {
		return sql.Errorf(arg, "the last argument of ML_PREDICT is MAP['option', 'value', ...]")
	}
	given := map[string]func(*LookupAsk){}
	for i := 0; i+1 < len(m.Items); i += 2 {
		key, ok1 := m.Items[i].(*ast.Literal)
		value, ok2 := m.Items[i+1].(*ast.Literal)
		if !ok1 || !ok2 {
			return sql.Errorf(m.Items[i], "options of ML_PREDICT are written out: 'option', 'value'")
		}
		name := predictOptions[key.Value]
		switch {
		case name == "":
			return suggest(sql.Errorf(key, "ML_PREDICT has no option %q", key.Value), key.Value, slices.Sorted(maps.Keys(predictOptions)))
		case given[name] != nil:
			return sql.Errorf(key, "option %q is given twice", key.Value)
		}
		f, err := lookupOption(name, value.Value)
		if err != nil {
			return sql.Errorf(value, "ML_PREDICT: %s: %s", key.Value, err)
		}
		given[name] = f
	}
	for _, name := range []string{"output-mode", "capacity", "timeout", "async"} { // 'async' = 'false' is stronger than the others
		if f := given[name]; f != nil {
			f(a)
		}
	}
	return nil
}

// namedArgs puts arguments, named or in order, to their names; the first need of them must be there.
func namedArgs(c *ast.Call, params []string, need int) (map[string]ast.Expr, error) {
	out := map[string]ast.Expr{}
	for i, a := range c.Args {
		name := ""
		if named, ok := a.(*ast.NamedArg); ok {
			name, a = strings.ToUpper(named.Name.Name), named.Value
			if !slices.Contains(params, name) {
				return nil, suggest(sql.Errorf(&named.Name, "%s has no argument %q", c.Name.Last(), named.Name.Name), name, params)
			}
		} else if i < len(params) {
			name = params[i]
		} else {
			return nil, sql.Errorf(a, "%s takes at most %d arguments", c.Name.Last(), len(params))
		}
		out[name] = a
	}
	for _, p := range params[:need] {
		if out[p] == nil {
			return nil, sql.Errorf(c, "%s lacks its argument %s", c.Name.Last(), p).WithHint("the arguments are %s", strings.Join(params, ", "))
		}
	}
	return out, nil
}
