package sql

import (
	"strconv"

	"weir/sql/ast"
)

func (p *printer) subquery(q ast.Query) {
	p.w("(")
	p.query(q)
	p.w(")")
}

// queryIf prints a query, in parentheses if cond holds.
func (p *printer) queryIf(cond bool, q ast.Query) {
	if cond {
		p.subquery(q)
		return
	}
	p.query(q)
}

// query prints a query.
func (p *printer) query(q ast.Query) {
	switch q := q.(type) {
	case *ast.Select:
		p.selectQuery(q)
	case *ast.Values:
		p.w("VALUES ")
		commas(p, q.Rows, p.expr)
	case *ast.TableQuery:
		p.w("TABLE ")
		p.name(q.Table)
	case *ast.SetOp:
		p.queryIf(needsParens(q.Left) || q.Op == "INTERSECT" && lowSetOp(q.Left), q.Left)
		p.w(" ", q.Op)
		p.when(q.All, " ALL")
		p.when(q.Distinct, " DISTINCT")
		p.w(" ")
		right, ok := q.Right.(*ast.SetOp)
		p.queryIf(needsParens(q.Right) || ok && (q.Op == "INTERSECT" || right.Op != "INTERSECT"), q.Right)
	case *ast.With:
		p.w("WITH ")
		p.when(q.Recursive, "RECURSIVE ")
		commas(p, q.CTEs, func(c *ast.CTE) {
			p.ident(c.Name)
			if c.Columns != nil {
				p.w(" ")
				parens(p, c.Columns, p.ident)
			}
			p.w(" AS ")
			p.subquery(c.Query)
		})
		p.w(" ")
		p.query(q.Body)
	case *ast.Sort:
		p.sort(q)
	}
}

// needsParens tells whether a query must stand in parentheses where only a SELECT or a set operation may.
func needsParens(q ast.Query) bool {
	switch q.(type) {
	case *ast.Sort, *ast.With:
		return true
	}
	return false
}

// lowSetOp tells whether a query is a UNION or EXCEPT, which bind less tightly than INTERSECT.
func lowSetOp(q ast.Query) bool {
	s, ok := q.(*ast.SetOp)
	return ok && s.Op != "INTERSECT"
}

func (p *printer) sort(q *ast.Sort) {
	p.queryIf(needsParens(q.Body), q.Body)
	p.orderBy(q.OrderBy)
	if !q.Fetch {
		p.str(" LIMIT ", q.Limit)
		p.when(q.LimitAll, " LIMIT ALL")
	}
	p.str(" OFFSET ", q.Offset)
	if q.Fetch {
		p.when(q.Offset != nil, " ROWS")
		p.w(" FETCH FIRST ")
		if q.Limit.Text != "" {
			p.w(q.Limit.Text, " ")
		}
		p.w("ROWS ONLY")
	}
}

func (p *printer) selectQuery(q *ast.Select) {
	p.w("SELECT")
	p.hints(q.Hints)
	p.when(q.Distinct, " DISTINCT")
	p.when(q.All, " ALL")
	p.w(" ")
	commas(p, q.Items, p.selectItem)
	if q.From != nil {
		p.w(" FROM ")
		p.relation(q.From)
	}
	p.clause(" WHERE ", q.Where)
	if q.GroupBy != nil {
		p.w(" GROUP BY ")
		p.when(q.GroupDistinct, "DISTINCT ")
		commas(p, q.GroupBy, p.expr)
	}
	p.clause(" HAVING ", q.Having)
	if q.Windows != nil {
		p.w(" WINDOW ")
		commas(p, q.Windows, func(d *ast.WindowDef) {
			p.ident(d.Name)
			p.w(" AS ")
			p.window(d.Spec)
		})
	}
	p.clause(" QUALIFY ", q.Qualify)
}

// clause prints a keyword and an expression, if there is one.
func (p *printer) clause(keyword string, e ast.Expr) {
	if e != nil {
		p.w(keyword)
		p.expr(e)
	}
}

func (p *printer) selectItem(i *ast.SelectItem) {
	p.expr(i.Expr)
	if i.Alias != nil {
		p.w(" AS ")
		p.ident(*i.Alias)
	}
}

// relation prints what stands in FROM.
func (p *printer) relation(r ast.Relation) {
	switch r := r.(type) {
	case *ast.Table:
		p.name(r.Name)
		p.hints(r.Hints)
		p.clause(" FOR SYSTEM_TIME AS OF ", r.AsOf)
	case *ast.Aliased:
		p.relation(r.Input)
		p.w(" AS ")
		p.ident(r.Name)
		if r.Columns != nil {
			parens(p, r.Columns, p.ident)
		}
	case *ast.Derived:
		p.when(r.Lateral, "LATERAL ")
		p.subquery(r.Query)
	case *ast.TableFunc:
		p.when(r.Lateral, "LATERAL ")
		p.when(r.Wrapped, "TABLE(")
		p.call(r.Call)
		p.when(r.Wrapped, ")")
	case *ast.Unnest:
		p.when(r.Lateral, "LATERAL ")
		p.w("UNNEST")
		parens(p, r.Args, p.expr)
		p.when(r.Ordinality, " WITH ORDINALITY")
	case *ast.Join:
		p.join(r)
	case *ast.MatchRecognize:
		p.match(r)
	}
}

func (p *printer) join(j *ast.Join) {
	left, ok := j.Left.(*ast.Join)
	p.relationIf(ok && left.Kind == ast.CommaJoin && j.Kind != ast.CommaJoin, j.Left)
	if j.Kind == ast.CommaJoin {
		p.w(", ")
	} else {
		p.w(" ")
		p.when(j.Natural, "NATURAL ")
		p.when(j.Kind != ast.InnerJoin, j.Kind.String()+" ")
		p.w("JOIN ")
	}
	right, ok := j.Right.(*ast.Join)
	p.relationIf(ok && (right.Kind == ast.CommaJoin || j.Kind != ast.CommaJoin), j.Right)
	p.clause(" ON ", j.On)
	if j.Using != nil {
		p.w(" USING ")
		parens(p, j.Using, p.ident)
	}
}

func (p *printer) relationIf(cond bool, r ast.Relation) {
	p.when(cond, "(")
	p.relation(r)
	p.when(cond, ")")
}

func (p *printer) match(m *ast.MatchRecognize) {
	_, join := m.Input.(*ast.Join)
	p.relationIf(join, m.Input)
	p.w(" MATCH_RECOGNIZE (")
	if m.PartitionBy != nil {
		p.w("PARTITION BY ")
		commas(p, m.PartitionBy, p.expr)
		p.w(" ")
	}
	if m.OrderBy != nil {
		p.w("ORDER BY ")
		commas(p, m.OrderBy, p.orderItem)
		p.w(" ")
	}
	if m.Measures != nil {
		p.w("MEASURES ")
		commas(p, m.Measures, p.selectItem)
		p.w(" ")
	}
	p.when(m.AllRows, "ALL ROWS PER MATCH ")
	p.when(m.RowsWritten && !m.AllRows, "ONE ROW PER MATCH ")
	if m.Skip != nil {
		p.w("AFTER MATCH SKIP ", m.Skip.Kind, " ")
		if m.Skip.Variable != nil {
			p.ident(*m.Skip.Variable)
			p.w(" ")
		}
	}
	p.w("PATTERN (")
	p.pattern(m.Pattern, 0)
	p.w(") ")
	if m.Within != nil {
		p.w("WITHIN ")
		p.expr(m.Within)
		p.w(" ")
	}
	if m.Subsets != nil {
		p.w("SUBSET ")
		commas(p, m.Subsets, func(s *ast.MatchSubset) {
			p.ident(s.Name)
			p.w(" = ")
			parens(p, s.Variables, p.ident)
		})
		p.w(" ")
	}
	p.w("DEFINE ")
	commas(p, m.Defines, func(d *ast.MatchDefine) {
		p.ident(d.Variable)
		p.w(" AS ")
		p.expr(d.Cond)
	})
	p.w(")")
}

// pattern prints a row pattern. level is how tightly what is around binds: 0 not, 1 a sequence, 2 a quantifier.
func (p *printer) pattern(n ast.Pattern, level int) {
	own := 3
	switch n.(type) {
	case *ast.PatternAlt:
		own = 0
	case *ast.PatternSeq:
		own = 1
	case *ast.PatternRepeat:
		own = 2
	}
	group := own < level || own == 2 && level == 2 || own == 1 && level == 1
	p.when(group, "(")
	switch n := n.(type) {
	case *ast.PatternVar:
		p.ident(n.Name)
	case *ast.PatternSeq:
		for i, x := range n.Items {
			p.when(i > 0, " ")
			p.pattern(x, 1)
		}
	case *ast.PatternAlt:
		for i, x := range n.Items {
			p.when(i > 0, " | ")
			_, alt := x.(*ast.PatternAlt)
			p.when(alt, "(")
			p.pattern(x, 0)
			p.when(alt, ")")
		}
	case *ast.PatternRepeat:
		p.pattern(n.X, 2)
		p.w(quantifier(n))
		p.when(n.Reluctant, "?")
	case *ast.PatternExclude:
		p.w("{- ")
		p.pattern(n.X, 0)
		p.w(" -}")
	case *ast.PatternPermute:
		p.w("PERMUTE(")
		commas(p, n.Items, func(x ast.Pattern) { p.pattern(x, 0) })
		p.w(")")
	}
	p.when(group, ")")
}

func quantifier(n *ast.PatternRepeat) string {
	lo, hi := strconv.Itoa(n.Min), strconv.Itoa(n.Max)
	switch {
	case n.Min == 0 && n.Max == -1:
		return "*"
	case n.Min == 1 && n.Max == -1:
		return "+"
	case n.Min == 0 && n.Max == 1:
		return "?"
	case n.Max == -1:
		return "{" + lo + ",}"
	case n.Min == n.Max:
		return "{" + lo + "}"
	}
	return "{" + lo + "," + hi + "}"
}
