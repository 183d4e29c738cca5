package planner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// CreateTable resolves CREATE TABLE and adds the table to the catalog. src is the text that the
// statement's positions refer to. A table made AS a query is made empty: CreateTableAs fills it too.
func (p *Planner) CreateTable(s *ast.CreateTable, src string) error {
	_, err := p.createTable(s, src, nil)
	return err
}

func (p *Planner) createTable(s *ast.CreateTable, src string, from types.Schema) (*Table, error) {
	path, err := p.Catalog.Path(s.Name)
	if err != nil {
		return nil, err
	}
	if p.Catalog.exists(path, s.Temporary) && !s.OrReplace {
		return nil, existsError(s.Name, s.IfNotExists)
	}
	d := &tableDef{p: p, src: src, at: s, t: &Table{Path: path, Comment: textOf(s.Comment), Temporary: s.Temporary}, values: map[string]option.Value{}}
	if err := d.like(s.Like); err != nil {
		return nil, err
	}
	if err := d.own(s, from); err != nil {
		return nil, err
	}
	if err := d.resolve(); err != nil {
		return nil, err
	}
	_, err = p.Catalog.put(s.Name, &object{path: path, table: d.t}, s.Temporary, s.OrReplace, s.IfNotExists)
	return d.t, err
}

// tableDef is a table while it is resolved.
type tableDef struct {
	p      *Planner
	src    string
	at     *ast.CreateTable
	t      *Table
	values map[string]option.Value
	places map[string]ast.Node // of columns, for errors
	errs   sql.ErrorList
	keyAt  ast.Node
}

func (d *tableDef) fail(err error) { addError(&d.errs, err) }

// own takes over what the statement itself declares.
func (d *tableDef) own(s *ast.CreateTable, from types.Schema) error {
	d.places = map[string]ast.Node{}
	for _, c := range s.Columns {
		d.column(c)
	}
	d.fromQuery(s, from)
	if len(s.Watermarks) > 1 {
		d.fail(sql.Errorf(s.Watermarks[1], "a table has one WATERMARK only"))
	}
	if len(s.Watermarks) > 0 {
		if d.t.watermark != nil && !d.overwrites("WATERMARKS") {
			d.fail(sql.Errorf(s.Watermarks[0], "table %q of LIKE has a WATERMARK already", s.Like.Table.String()).WithHint("write LIKE %s (OVERWRITING WATERMARKS)", s.Like.Table.String()))
		}
		d.t.watermark = s.Watermarks[0]
	}
	if s.Distribution != nil {
		d.fail(noBuckets(s.Distribution))
	}
	d.primaryKeys(s.PrimaryKeys)
	if len(s.PartitionedBy) > 0 {
		d.t.PartitionBy = nil
		for i := range s.PartitionedBy {
			d.t.PartitionBy = append(d.t.PartitionBy, s.PartitionedBy[i].Name)
		}
	}
	for _, o := range s.Options {
		if _, dup := d.values[o.Key.Value]; dup && (s.Like == nil || d.ownKey(s, o)) {
			d.fail(sql.Errorf(o.Key, "option %q is given twice", o.Key.Value))
		}
		d.values[o.Key.Value] = option.Value{Text: o.Value.Value, KeyPos: o.Key.Pos(), ValuePos: o.Value.Pos()}
	}
	return d.errs.Err()
}

// noBuckets: no connector puts rows into buckets.
func noBuckets(at ast.Node) error {
	return sql.Errorf(at, "no connector takes DISTRIBUTED BY").WithHint("leave it out; PARTITIONED BY chooses the partition key of a stream, and the folder of a file")
}

func (d *tableDef) ownKey(s *ast.CreateTable, o *ast.Option) bool {
	for _, other := range s.Options {
		if other == o {
			return false
		}
		if other.Key.Value == o.Key.Value {
			return true
		}
	}
	return false
}

// fromQuery adds the columns of AS query, where the statement only names or orders them.
func (d *tableDef) fromQuery(s *ast.CreateTable, from types.Schema) {
	named := map[string]bool{}
	for _, c := range s.Columns {
		if c.Kind == ast.NamedColumn {
			i := from.Index(c.Name.Name)
			if i < 0 {
				d.fail(suggest(sql.Errorf(&c.Name, "no column %q in the query", c.Name.Name), c.Name.Name, from.Names()))
				continue
			}
			d.t.Columns = append(d.t.Columns, TableColumn{Name: c.Name.Name, Type: from[i].Type})
			named[c.Name.Name] = true
		}
	}
	if len(named) > 0 {
		return
	}
	// As in Flink, the query's columns come behind those that only the statement declares, in the query's order.
	declared := map[string]TableColumn{}
	d.t.Columns = slices.DeleteFunc(d.t.Columns, func(c TableColumn) bool {
		if from.Index(c.Name) >= 0 {
			declared[c.Name] = c
		}
		return from.Index(c.Name) >= 0
	})
	for _, c := range from {
		col, ok := declared[c.Name]
		if !ok {
			col = TableColumn{Name: c.Name, Type: c.Type}
		}
		d.t.Columns = append(d.t.Columns, col)
	}
}

func (d *tableDef) column(c *ast.Column) {
	if c.Kind == ast.NamedColumn {
		return
	}
	col := TableColumn{Name: c.Name.Name, Comment: textOf(c.Comment)}
	if d.places[col.Name] != nil {
		d.fail(sql.Errorf(&c.Name, "column %q is declared twice", col.Name))
		return
	}
	d.places[col.Name] = c
	if c.Type != nil {
		t, err := resolveType(c.Type)
		if err != nil {
			d.fail(err)
		}
		col.Type = t
	}
	switch c.Kind {
	case ast.MetadataColumn:
		col.Kind, col.Virtual, col.Key = Metadata, c.Virtual, col.Name
		if c.From != nil {
			col.Key = c.From.Value
		}
	case ast.ComputedColumn:
		col.Kind, col.expr = Computed, c.Expr
	}
	if c.Key != nil {
		d.primaryKey(c.Key, []string{col.Name})
	}
	for i := range d.t.Columns {
		if d.t.Columns[i].Name == col.Name {
			if col.Kind != d.t.Columns[i].Kind || !d.overwrites("GENERATED") && col.Kind == Computed || !d.overwrites("METADATA") && col.Kind == Metadata || col.Kind == Physical {
				d.fail(sql.Errorf(&c.Name, "column %q is in the table of LIKE already", col.Name))
			}
			d.t.Columns[i] = col
			return
		}
	}
	d.t.Columns = append(d.t.Columns, col)
}

// textAt is a node's own text.
func textAt(src string, n ast.Node) string {
	if n.Pos()+n.Len() > len(src) {
		return ""
	}
	return src[n.Pos() : n.Pos()+n.Len()]
}

func (d *tableDef) primaryKeys(keys []*ast.PrimaryKey) {
	for _, k := range keys {
		var cols []string
		for i := range k.Columns {
			cols = append(cols, k.Columns[i].Name)
		}
		d.primaryKey(k, cols)
	}
}

func (d *tableDef) primaryKey(k *ast.PrimaryKey, cols []string) {
	if d.keyAt != nil {
		d.fail(sql.Errorf(k, "a table has one PRIMARY KEY only"))
		return
	}
	if d.t.PrimaryKey != nil {
		d.fail(sql.Errorf(k, "table of LIKE has a PRIMARY KEY already").WithHint("write LIKE t (EXCLUDING CONSTRAINTS)"))
	}
	if k.Enforced != "NOT ENFORCED" {
		d.fail(sql.Errorf(k, "a PRIMARY KEY is not checked, so it must say so").WithHint("write PRIMARY KEY (...) NOT ENFORCED"))
	}
	d.keyAt, d.t.PrimaryKey = k, cols
	if d.t.KeyName = ""; k.Constraint != nil {
		d.t.KeyName = k.Constraint.Name
	}
}

// resolve checks the parts against one another and decodes the options.
func (d *tableDef) resolve() error {
	t := d.t
	d.keyColumns()
	for _, name := range t.PartitionBy {
		if c := t.column(name); c == nil || c.Kind != Physical {
			d.fail(d.noColumn(d.partitionAt(name), name))
		}
	}
	b := d.p.binder()
	d.computed(b)
	if len(d.errs.Errors) > 0 {
		return d.errs.Err()
	}
	d.watermark(b)
	t.Desc = t.desc()
	t.Options = map[string]string{}
	for k, v := range d.values {
		t.Options[k] = v.Text
	}
	t.Desc.Options = t.Options
	d.options()
	return d.errs.Err()
}

func (d *tableDef) partitionAt(name string) ast.Node {
	for i := range d.at.PartitionedBy {
		if d.at.PartitionedBy[i].Name == name {
			return &d.at.PartitionedBy[i]
		}
	}
	return d.at.Name
}

func (d *tableDef) noColumn(at ast.Node, name string) error {
	return suggest(sql.Errorf(at, "no physical column %q in table %q", name, d.t.Path[2]), name, d.t.names())
}

func (d *tableDef) keyColumns() {
	for i, name := range d.t.PrimaryKey {
		c := d.t.column(name)
		if c == nil || c.Kind != Physical {
			at := ast.Node(d.at.Name)
			if k, ok := d.keyAt.(*ast.PrimaryKey); ok && i < len(k.Columns) {
				at = &k.Columns[i]
			}
			d.fail(d.noColumn(at, name))
			continue
		}
		c.Type = c.Type.WithNull(false)
	}
}

// computed finds the types of computed columns; they read the others, not one another.
func (d *tableDef) computed(b *binder) {
	s := d.t.baseScope()
	for i := range d.t.Columns {
		c := &d.t.Columns[i]
		if c.Kind != Computed {
			continue
		}
		x, err := b.expr(s, c.expr)
		if err != nil {
			d.fail(err)
			continue
		}
		c.Type = x.Type()
	}
}

// watermark checks the time column and the expression.
func (d *tableDef) watermark(b *binder) {
	w := d.t.watermark
	if w == nil {
		return
	}
	if len(w.Column.Parts) > 1 {
		d.fail(sql.Errorf(w.Column, "a WATERMARK wants a column of the table, not a field").WithHint("declare a computed column, as ts AS %s, and the WATERMARK for it", w.Column.String()))
		return
	}
	c := d.t.column(w.Column.Last())
	if c == nil {
		d.fail(suggest(sql.Errorf(w.Column, "no column %q in table %q", w.Column.Last(), d.t.Path[2]), w.Column.Last(), d.t.names()))
		return
	}
	if !c.Type.IsTimestamp() || c.Type.Prec > 3 {
		err := sql.Errorf(w.Column, "the time attribute %q must be TIMESTAMP or TIMESTAMP_LTZ with a precision of 0 to 3, and is %s", c.Name, c.Type)
		d.fail(err.WithHint("%s", timeHint(c)))
		return
	}
	x, err := b.expr(d.t.allScope(), w.Expr)
	if err != nil {
		d.fail(err)
		return
	}
	if t := x.Type(); !t.IsTimestamp() || t.Prec > 3 {
		d.fail(sql.Errorf(w.Expr, "the expression of a WATERMARK must be TIMESTAMP or TIMESTAMP_LTZ with a precision of 0 to 3, and is %s", t))
		return
	}
	d.t.RowTime = c.Name
}

func timeHint(c *TableColumn) string {
	switch {
	case c.Type.IsTimestamp():
		return fmt.Sprintf("declare a computed column, as ts AS CAST(%s AS %s)", quoteIdent(c.Name), types.Type{Kind: c.Type.Kind, Prec: 3})
	case c.Type.Kind == types.BigInt:
		return fmt.Sprintf("declare a computed column, as ts AS TO_TIMESTAMP_LTZ(%s, 3)", quoteIdent(c.Name))
	case c.Type.IsString():
		return fmt.Sprintf("declare a computed column, as ts AS TO_TIMESTAMP(%s)", quoteIdent(c.Name))
	}
	return "declare a column of TIMESTAMP(3)"
}

// column finds a column by name.
func (t *Table) column(name string) *TableColumn {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

func (t *Table) names() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

// baseScope is the physical and metadata columns; computed columns read these.
func (t *Table) baseScope() *scope {
	s := &scope{}
	for _, c := range t.Columns {
		if c.Kind != Computed {
			s.cols = append(s.cols, scopeCol{path: t.Path[:], name: c.Name, typ: c.Type})
		}
	}
	return s
}

// allScope is all columns; the watermark reads these.
func (t *Table) allScope() *scope {
	s := &scope{}
	for _, c := range t.Columns {
		s.cols = append(s.cols, scopeCol{path: t.Path[:], name: c.Name, typ: c.Type})
	}
	return s
}

// desc is the table as connectors see it.
func (t *Table) desc() *connectors.TableDesc {
	d := &connectors.TableDesc{Name: pathText(t.Path), PrimaryKey: t.PrimaryKey, PartitionedBy: t.PartitionBy}
	for _, c := range t.Columns {
		switch c.Kind {
		case Physical:
			d.Columns = append(d.Columns, types.Column{Name: c.Name, Type: c.Type})
		case Metadata:
			d.Metadata = append(d.Metadata, connectors.MetadataColumn{Name: c.Name, Key: c.Key, Type: c.Type, Virtual: c.Virtual})
		}
	}
	return d
}

// options decodes the WITH clause and checks metadata columns against the connector's.
func (d *tableDef) options() {
	cfg, _, secrets, err := d.p.decode(d.values, d.at)
	if err != nil {
		d.fail(err)
		return
	}
	d.t.secrets = secrets
	d.metadata(cfg)
	if c, ok := cfg.(connectors.Checks); ok && len(d.errs.Errors) == 0 {
		if e := c.Check(d.t.desc()); e != nil {
			e.Pos = d.values[e.Key].KeyPos
			d.fail(optionErrors(option.Errors{e}, d.values, d.at))
		}
	}
}

func (d *tableDef) metadata(cfg connectors.Config) {
	for _, c := range d.t.Columns {
		if c.Kind != Metadata {
			continue
		}
		keys := metadataKeys(cfg, c.Virtual)
		if i := slices.IndexFunc(keys, func(k connectors.MetadataKey) bool { return k.Key == c.Key }); i < 0 {
			var names []string
			for _, k := range keys {
				names = append(names, k.Key)
			}
			at := d.places[c.Name]
			if at == nil {
				at = d.at.Name
			}
			d.fail(suggest(sql.Errorf(at, "connector %q has no metadata %q", d.t.Options["connector"], c.Key), c.Key, names))
		}
	}
}

// metadataKeys lists what a connector offers to read, and to write where the column is not virtual.
func metadataKeys(cfg connectors.Config, virtual bool) []connectors.MetadataKey {
	var out []connectors.MetadataKey
	if r, ok := cfg.(connectors.Reads); ok {
		out = append(out, r.Metadata()...)
	} else if l, ok := cfg.(connectors.LooksUp); ok {
		out = append(out, l.Metadata()...)
	}
	if w, ok := cfg.(connectors.Writes); ok && !virtual {
		out = append(out, w.WritableMetadata()...)
	}
	return out
}

// decode makes a connector's configuration of options; secrets are the keys not to show.
func (p *Planner) decode(values map[string]option.Value, at ast.Node) (connectors.Config, connectors.Common, map[string]bool, error) {
	name, ok := values["connector"]
	if !ok {
		if c, isCreate := at.(*ast.CreateTable); isCreate {
			at = c.Name
		}
		return nil, connectors.Common{}, nil, sql.Errorf(at, "the table names no connector").
			WithHint("add WITH ('connector' = '...'), one of %s", strings.Join(p.connectorNames(), ", "))
	}
	c, ok := p.Connectors[name.Text]
	if !ok {
		err := &sql.Error{Pos: name.ValuePos, Len: len(name.Text) + 2, Msg: fmt.Sprintf("connector %q is not known", name.Text)}
		return nil, connectors.Common{}, nil, suggest(err, name.Text, p.connectorNames())
	}
	cfg, common := c.New(), &connectors.Common{}
	_, err := option.Decode(values, cfg, common)
	if err != nil {
		return nil, connectors.Common{}, nil, optionErrors(err, values, at)
	}
	return cfg, *common, option.Secrets(values, c.New(), &connectors.Common{}), nil
}

// connectorNames lists the connectors that tables are declared with: those of tables that are there by themselves are not.
func (p *Planner) connectorNames() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p.Connectors)) {
		if name != RejectsConnector && name != LedgerConnector {
			out = append(out, name)
		}
	}
	return out
}

// optionErrors places the mistakes found in options at their text.
func optionErrors(err error, values map[string]option.Value, at ast.Node) error {
	var list option.Errors
	if !errors.As(err, &list) {
		return sql.Errorf(at, "%s", err.Error())
	}
	var out sql.ErrorList
	for _, e := range list {
		one := &sql.Error{Pos: e.Pos, Len: len(e.Key) + 2, Msg: e.Msg, Hint: e.Hint}
		if e.Pos < 0 {
			one.Pos, one.Len = at.Pos(), at.Len()
			if c, ok := at.(*ast.CreateTable); ok {
				one.Pos, one.Len = c.Name.Pos(), c.Name.Len()
			}
		} else if v, ok := values[e.Key]; ok && v.ValuePos == e.Pos {
			one.Len = len(v.Text) + 2
		}
		out.Add(one)
	}
	return out.Err()
}
