package planner

import (
	"weir/connectors"
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// scan makes the Scan of a table with all its columns; rule_prune takes away what is not read.
func (b *binder) scan(at *ast.Table, t *Table) (*Scan, error) {
	values := t.optionValues()
	options, err := hinted(t.Options, values, at.Hints)
	if err != nil {
		return nil, err
	}
	cfg, common, _, err := b.p.decode(values, at)
	if err != nil {
		return nil, err
	}
	if err := b.readable(at, cfg, options["connector"]); err != nil {
		return nil, err
	}
	n := &Scan{Base: newBase(nil), Table: t, Config: cfg, Common: common, hints: optionKey(options)}
	if n.ErrorTarget, n.LateTarget, err = b.rejectTargets(at, t, &common); err != nil {
		return nil, err
	}
	base, err := b.scanBase(n)
	if err != nil {
		return nil, err
	}
	return n, b.scanColumns(n, base)
}

// optionValues are the options as they are decoded; a mistake in them was told at CREATE TABLE.
func (t *Table) optionValues() map[string]option.Value {
	out := map[string]option.Value{}
	for k, v := range t.Options {
		out[k] = option.Value{Text: v, KeyPos: -1, ValuePos: -1}
	}
	return out
}

// scanBase lists the physical and metadata columns that the source gives, and each declared one over them.
func (b *binder) scanBase(n *Scan) ([]Expr, error) {
	var base []Expr
	for _, c := range n.Table.Columns {
		if c.Kind == Physical {
			n.Columns = append(n.Columns, types.Column{Name: c.Name, Type: c.Type})
		}
	}
	col := 0
	for _, c := range n.Table.Columns {
		switch c.Kind {
		case Physical:
			base = append(base, &ColRef{Index: col, T: c.Type})
			col++
		case Metadata:
			t, ok := metadataType(n.Config, c.Key)
			if !ok {
				return nil, &sql.Error{Msg: "table " + n.Table.Path[2] + " has no metadata " + c.Key}
			}
			at := len(n.Columns) + metaIndex(n, c.Key)
			base = append(base, castTo(&ColRef{Index: at, T: t}, c.Type))
		}
	}
	return base, nil
}

// readable tells whether a table can be read, or, where that is what the query does, asked by key.
func (b *binder) readable(at *ast.Table, cfg connectors.Config, connector string) error {
	if _, ok := cfg.(connectors.Reads); ok {
		return nil
	}
	switch _, ok := cfg.(connectors.LooksUp); {
	case !ok:
		return sql.Errorf(at, "table %q cannot be read: connector %q only writes", at.Name.Last(), connector)
	case !b.asking:
		return sql.Errorf(at, "table %q is not read but asked by key", at.Name.Last()).
			WithHint("write ... JOIN %s FOR SYSTEM_TIME AS OF o.p ON ..., where p AS PROCTIME() is a column of the left table o", at.Name.Last())
	}
	return nil
}

func metadataType(cfg connectors.Config, key string) (types.Type, bool) {
	for _, k := range metadataKeys(cfg, true) {
		if k.Key == key {
			return k.Type, true
		}
	}
	return types.Type{}, false
}

// metaIndex gives the place of a metadata key in Meta, which it adds.
func metaIndex(n *Scan, key string) int {
	for i, k := range n.Meta {
		if k == key {
			return i
		}
	}
	n.Meta = append(n.Meta, key)
	return len(n.Meta) - 1
}

// scanColumns makes the declared columns, computed ones included, and the watermark.
func (b *binder) scanColumns(n *Scan, base []Expr) error {
	s := n.Table.baseScope()
	next := 0
	for _, c := range n.Table.Columns {
		var x Expr
		if c.Kind == Computed {
			bound, err := b.expr(s, c.expr)
			if err != nil {
				return err
			}
			x = substitute(bound, base)
		} else {
			x = base[next]
			next++
		}
		out := types.Column{Name: c.Name, Type: c.Type}
		switch {
		case c.Name == n.Table.RowTime:
			out.TimeAttr = types.RowTime
		case isProcTime(x):
			out.TimeAttr = types.ProcTime
		}
		n.Exprs = append(n.Exprs, x)
		n.Out = append(n.Out, out)
	}
	if n.Table.watermark == nil || b.p.Settings.Batch {
		return nil // in batch mode nothing is late
	}
	w, err := b.expr(n.Table.allScope(), n.Table.watermark.Expr)
	if err != nil {
		return err
	}
	n.Watermark = &Watermark{Column: n.Out.Index(n.Table.RowTime), Expr: w}
	return nil
}

// optionKey is a text equal for equal options.
func optionKey(options map[string]string) string {
	key := ""
	for _, k := range sortedKeys(options) {
		key += k + "\x00" + options[k] + "\x00"
	}
	return key
}
