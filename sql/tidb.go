package sql

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	tidb "github.com/pingcap/tidb/pkg/parser"
	tast "github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
	"github.com/pingcap/tidb/pkg/parser/mysql"
)

// grammars holds parsers of TiDB's: one is stateful and dear to make, so each parse borrows one.
var grammars = sync.Pool{New: func() any {
	installDriver()
	g := tidb.New()
	g.SetSQLMode(mysql.ModeNoBackslashEscapes)
	return g
}}

// installDriver gives TiDB's package the constructors of values it wants from its user. Ours hold what they are
// given: the only values in our texts are the numbers of codes.
var installDriver = sync.OnceFunc(func() {
	refuse := func(string) (any, error) { return nil, fmt.Errorf("no such literal") }
	tast.NewValueExpr = func(v any, _, _ string) tast.ValueExpr { return &value{v: v} }
	tast.NewParamMarkerExpr = func(int) tast.ParamMarkerExpr { return &value{} }
	tast.NewDecimal, tast.NewHexLiteral, tast.NewBitLiteral = refuse, refuse, refuse
})

// value is a literal in TiDB's tree.
type value struct {
	tast.TexprNode
	v any
}

func (n *value) SetValue(v any)                   { n.v = v }
func (n *value) GetValue() any                    { return n.v }
func (n *value) GetDatumString() string           { return "" }
func (n *value) GetString() string                { return "" }
func (n *value) GetProjectionOffset() int         { return 0 }
func (n *value) SetProjectionOffset(int)          {}
func (n *value) SetOrder(int)                     {}
func (n *value) Restore(*format.RestoreCtx) error { return nil }
func (n *value) Format(io.Writer)                 {}
func (n *value) Accept(v tast.Visitor) (tast.Node, bool) {
	node, _ := v.Enter(n)
	return v.Leave(node)
}

// grammar runs TiDB's grammar over the pieces. An error is told by the number of the line it speaks of; its words
// are never shown.
func (l *lowerer) grammar() *converter {
	text, order := l.render()
	g := grammars.Get().(*tidb.Parser)
	stmts, _, err := g.ParseSQL(text)
	if err != nil {
		grammars.Put(g)
		l.refused(err, order)
	}
	if len(stmts) != 1 {
		l.unexpected()
	}
	c := &converter{lowerer: l, stmt: stmts[0], order: order}
	grammars.Put(g)
	return c
}

// refused turns an error of TiDB's into ours. The line in "line 12 column .." is that behind the offending piece.
func (l *lowerer) refused(err error, order []int32) {
	n := len(order)
	if _, rest, ok := strings.Cut(err.Error(), "line "); ok {
		digits, _, _ := strings.Cut(rest, " ")
		if line, e := strconv.Atoi(digits); e == nil {
			n = line - 2
		}
	}
	if n < 0 || n >= len(order) {
		l.unexpected()
	}
	t := l.tokAt(l.pieces[order[n]].tok)
	l.fail(t, "", "unexpected %s", l.describe(t))
}
