package sql

import (
	"fmt"
	"strconv"
	"strings"

	"weir/sql/ast"
)

// Print writes a node as SQL text. Parsing the text gives the same tree, spans aside: names and literals are
// printed as they were written, keywords in upper case, parentheses where the tree has or needs them.
func Print(n ast.Node) string {
	p := &printer{}
	p.node(n)
	return p.b.String()
}

// PrintQuoted is Print with all names of columns and tables in backticks, as Flink writes expressions of its catalog.
func PrintQuoted(n ast.Node) string {
	p := &printer{quoted: true}
	p.node(n)
	return p.b.String()
}

type printer struct {
	b      strings.Builder
	quoted bool // names are in backticks
}

// w writes texts as they are.
func (p *printer) w(texts ...string) {
	for _, t := range texts {
		p.b.WriteString(t)
	}
}

// when writes text if cond holds.
func (p *printer) when(cond bool, text string) {
	if cond {
		p.w(text)
	}
}

// node dispatches on the interfaces; nodes of none (an option, a column) print too.
func (p *printer) node(n ast.Node) {
	switch n := n.(type) {
	case ast.Statement:
		p.statement(n)
	case ast.Query:
		p.query(n)
	case ast.Relation:
		p.relation(n)
	case ast.Expr:
		p.expr(n)
	case ast.Pattern:
		p.pattern(n, 0)
	case ast.AlterAction:
		p.alterAction(n)
	case *ast.Ident:
		p.ident(*n)
	case *ast.TypeName:
		p.typeName(n)
	case *ast.Column:
		p.column(n)
	case *ast.Watermark:
		p.watermark(n)
	case *ast.PrimaryKey:
		p.primaryKey(n)
	case *ast.Option:
		p.option(n)
	case *ast.Hint:
		p.hint(n)
	case *ast.WindowSpec:
		p.window(n)
	case *ast.SelectItem:
		p.selectItem(n)
	case *ast.OrderItem:
		p.orderItem(n)
	case *ast.IntervalUnit:
		p.intervalUnit(n)
	case *ast.FrameBound:
		p.bound(n)
	default:
		panic(fmt.Sprintf("sql: Print of %T", n))
	}
}

// commas prints items with commas between.
func commas[T any](p *printer, list []T, item func(T)) {
	for i, x := range list {
		p.when(i > 0, ", ")
		item(x)
	}
}

// parens prints items in parentheses.
func parens[T any](p *printer, list []T, item func(T)) {
	p.w("(")
	commas(p, list, item)
	p.w(")")
}

func (p *printer) ident(id ast.Ident) {
	if id.Quoted || p.quoted {
		p.w("`", strings.ReplaceAll(id.Name, "`", "``"), "`")
		return
	}
	p.w(id.Name)
}

func (p *printer) name(n *ast.Name) {
	for i, part := range n.Parts {
		p.when(i > 0, ".")
		p.ident(part)
	}
}

func (p *printer) literal(l *ast.Literal) {
	switch {
	case l.Text != "":
		p.w(l.Text)
	case l.Kind == ast.StringLit:
		p.w("'", strings.ReplaceAll(l.Value, "'", "''"), "'")
	default:
		p.w(l.Value)
	}
}

// str prints a keyword and a literal, if there is one.
func (p *printer) str(keyword string, l *ast.Literal) {
	if l != nil {
		p.w(keyword)
		p.literal(l)
	}
}

func (p *printer) option(o *ast.Option) {
	p.literal(o.Key)
	p.w(" = ")
	p.literal(o.Value)
}

// options prints (..) over several lines, for reading.
func (p *printer) options(list []*ast.Option) {
	p.w("(")
	for i, o := range list {
		p.when(i > 0, ",")
		p.w("\n  ")
		p.option(o)
	}
	p.when(len(list) > 0, "\n")
	p.w(")")
}

func (p *printer) hint(h *ast.Hint) {
	p.ident(h.Name)
	switch {
	case h.Options != nil:
		parens(p, h.Options, p.option)
	case h.Args != nil:
		parens(p, h.Args, p.expr)
	}
}

func (p *printer) hints(list []*ast.Hint) {
	if list == nil {
		return
	}
	p.w(" /*+ ")
	commas(p, list, p.hint)
	p.w(" */")
}

func (p *printer) ints(list ...int) { parens(p, list, func(n int) { p.w(strconv.Itoa(n)) }) }

func (p *printer) typeName(t *ast.TypeName) {
	switch {
	case t.Path != nil:
		p.name(t.Path)
	case t.Postfix:
		p.typeName(t.Elem)
		p.w(" ", t.Name)
	case t.Name == "MAP":
		p.w("MAP<")
		p.typeName(t.Key)
		p.w(", ")
		p.typeName(t.Elem)
		p.w(">")
	case t.Elem != nil:
		p.w(t.Name, "<")
		p.typeName(t.Elem)
		p.w(">")
	case t.Name == "ROW":
		p.w("ROW<")
		commas(p, t.Fields, p.typeField)
		p.w(">")
	case t.Name == "STRUCTURED":
		p.w("STRUCTURED<")
		commas(p, t.Args, p.literal)
		p.when(len(t.Fields) > 0, ", ")
		commas(p, t.Fields, p.typeField)
		p.w(">")
	case t.Args != nil:
		p.w(t.Name)
		parens(p, t.Args, p.literal)
	case t.Interval != nil:
		p.w("INTERVAL ")
		p.intervalUnit(t.Interval)
	default:
		p.w(t.Name)
	}
	if t.Params != nil {
		p.ints(t.Params...)
	}
	zones := map[string]string{"LOCAL": " WITH LOCAL TIME ZONE", "WITH": " WITH TIME ZONE", "WITHOUT": " WITHOUT TIME ZONE"}
	p.w(zones[t.Zone])
	p.when(t.Null, " NULL")
	p.when(t.NotNull, " NOT NULL")
}

func (p *printer) typeField(f *ast.TypeField) {
	p.ident(f.Name)
	p.w(" ")
	p.typeName(f.Type)
	p.str(" ", f.Comment)
}

func (p *printer) intervalUnit(u *ast.IntervalUnit) {
	p.w(u.From)
	switch {
	case u.Precision >= 0 && u.Fraction >= 0 && u.To == "":
		p.ints(u.Precision, u.Fraction)
	case u.Precision >= 0:
		p.ints(u.Precision)
	}
	if u.To != "" {
		p.w(" TO ", u.To)
		if u.Fraction >= 0 {
			p.ints(u.Fraction)
		}
	}
}
