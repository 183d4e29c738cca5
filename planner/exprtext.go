package planner

import (
	"fmt"
	"strings"

	"weir/sql/types"
)

// exprText spells an expression for EXPLAIN, with the names of its input's columns.
func exprText(e Expr, in types.Schema) string {
	t := exprPrinter{in: in}
	return t.text(e, 0)
}

// toldText spells an expression over n's columns as its author may have: aggregates by their text, without the casts
// that binding put there.
func toldText(e Expr, n Node) string {
	t := exprPrinter{in: toldNames(n), told: true}
	return t.text(e, 0)
}

// toldNames are the columns of a node under names that say what they are.
func toldNames(n Node) types.Schema {
	out := plain(n.Info().Out)
	var aggs []AggCall
	var in types.Schema
	switch n := n.(type) {
	case *Calc:
		in = toldNames(n.Input)
		for i, e := range n.Exprs {
			if strings.HasPrefix(out[i].Name, "$") {
				out[i].Name = exprPrinter{in: in, told: true}.text(e, 0)
			}
		}
		return out
	case *GroupAgg:
		aggs, in = n.Aggs, toldNames(n.Input)
	case *WindowAgg:
		aggs, in = n.Aggs, toldNames(n.Input)
	case *Over:
		aggs, in = n.Aggs, toldNames(n.Input)
		for i, a := range aggs {
			out[len(out)-len(aggs)+i].Name = aggList([]AggCall{a}, in) + " OVER (...)"
		}
	}
	for i := range out {
		for j, a := range aggs {
			if out[i].Name == fmt.Sprintf("$agg%d", j) {
				out[i].Name = aggList([]AggCall{a}, in)
			}
		}
	}
	return out
}

type exprPrinter struct {
	in   types.Schema
	told bool // implicit casts are left out
}

// Levels of binding, loosest first; text puts parentheses where the level asked for is higher.
const (
	levelOr = iota + 1
	levelAnd
	levelNot
	levelCompare
	levelAdd
	levelMultiply
	levelUnary
)

var infixLevel = map[string]int{
	"=": levelCompare, "<>": levelCompare, "<": levelCompare, "<=": levelCompare, ">": levelCompare, ">=": levelCompare,
	"+": levelAdd, "-": levelAdd, "*": levelMultiply, "/": levelMultiply, "%": levelMultiply, "||": levelMultiply,
	"LIKE": levelCompare, "SIMILAR TO": levelCompare, "IS DISTINCT FROM": levelCompare, "IS NOT DISTINCT FROM": levelCompare,
}

var postfix = map[string]bool{
	"IS NULL": true, "IS NOT NULL": true, "IS TRUE": true, "IS NOT TRUE": true, "IS FALSE": true, "IS NOT FALSE": true,
	"IS UNKNOWN": true, "IS NOT UNKNOWN": true,
}

func (p exprPrinter) text(e Expr, level int) string {
	switch e := e.(type) {
	case nil:
		return "NULL"
	case *ColRef:
		if e.Index < len(p.in) {
			return p.in[e.Index].Name
		}
		return fmt.Sprintf("$%d", e.Index)
	case *Literal:
		return litSQL(e)
	case *Call:
		return p.call(e, level)
	case *Cast:
		if e.Implicit && !e.Try && p.told {
			return p.text(e.X, level)
		}
		if e.Implicit && !e.Try {
			return "CAST(" + p.text(e.X, 0) + " AS " + e.T.WithNull(true).String() + " /* implicit */)"
		}
		name := "CAST"
		if e.Try {
			name = "TRY_CAST"
		}
		return name + "(" + p.text(e.X, 0) + " AS " + e.T.WithNull(true).String() + ")"
	case *And:
		return paren(p.join(e.Args, " AND ", levelAnd), levelAnd < level)
	case *Or:
		return paren(p.join(e.Args, " OR ", levelOr), levelOr < level)
	case *Not:
		return paren("NOT "+p.text(e.X, levelNot+1), levelNot < level)
	case *Case:
		return p.caseText(e)
	case *In:
		op := " IN ("
		if e.Neg {
			op = " NOT IN ("
		}
		return paren(p.text(e.X, levelCompare+1)+op+p.join(e.List, ", ", 0)+")", levelCompare < level)
	case *Field:
		return p.text(e.X, levelUnary) + "." + fieldName(e)
	}
	return fmt.Sprintf("%T", e)
}

func fieldName(f *Field) string {
	t := f.X.Type()
	if f.Index < len(t.Fields) {
		return t.Fields[f.Index].Name
	}
	return fmt.Sprintf("%d", f.Index)
}

func (p exprPrinter) call(e *Call, level int) string {
	if l, ok := infixLevel[e.Func]; ok && len(e.Args) == 2 {
		return paren(p.text(e.Args[0], l)+" "+e.Func+" "+p.text(e.Args[1], l+1), l < level)
	}
	if postfix[e.Func] && len(e.Args) == 1 {
		return paren(p.text(e.Args[0], levelCompare+1)+" "+e.Func, levelCompare < level)
	}
	if e.Func == "-" && len(e.Args) == 1 {
		return paren("-"+p.text(e.Args[0], levelUnary), levelUnary < level)
	}
	return e.Func + "(" + p.join(e.Args, ", ", 0) + ")"
}

func (p exprPrinter) caseText(e *Case) string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + p.text(w.Cond, 0) + " THEN " + p.text(w.Then, 0))
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + p.text(e.Else, 0))
	}
	b.WriteString(" END")
	return b.String()
}

func (p exprPrinter) join(list []Expr, sep string, level int) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = p.text(e, level)
	}
	return strings.Join(parts, sep)
}

func paren(s string, on bool) string {
	if on {
		return "(" + s + ")"
	}
	return s
}

// litSQL spells a literal as SQL does.
func litSQL(l *Literal) string {
	text := litText(l)
	if isNullLit(l) {
		return "NULL"
	}
	switch l.T.Kind {
	case types.Char, types.VarChar:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case types.Binary, types.VarBinary:
		return "X'" + text + "'"
	case types.Boolean:
		return strings.ToUpper(text)
	case types.Date, types.Time0, types.Timestamp:
		return timeWord[l.T.Kind] + " '" + strings.Replace(strings.TrimSuffix(text, "Z"), "T", " ", 1) + "'"
	case types.IntervalDS:
		return "INTERVAL " + millisText(int64Of(l))
	case types.IntervalYM:
		return "INTERVAL " + text + " months"
	}
	return text
}

var timeWord = map[types.Kind]string{types.Date: "DATE", types.Time0: "TIME", types.Timestamp: "TIMESTAMP"}
