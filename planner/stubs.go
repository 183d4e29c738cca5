package planner

import (
	"weir/sql/ast"
)

type overScope struct{}
type matchScope struct{}
type subScope struct{}

func (b *binder) overs(_ *ast.Select, _ []*ast.OrderItem, in Node, s *scope) (Node, *scope, error) {
	return in, s, nil
}

func (b *binder) subqueries(_ *ast.Select, in Node, s *scope) (Node, *scope, error) {
	return in, s, nil
}

func (b *binder) whereSubquery(in Node, s *scope, c ast.Expr) (Node, bool, error) {
	return in, false, nil
}

func (b *binder) subquery(_ *scope, e ast.Expr) (Expr, error) {
	return nil, notYet(e, "a subquery here")
}

func (b *binder) quantified(_ *scope, e *ast.Binary, _ *ast.Quantified) (Expr, error) {
	return nil, notYet(e, "comparison with ANY or ALL")
}

func (b *binder) correlated(_ *scope, n *ast.Name) (Expr, error) {
	return nil, notYet(n, "a subquery that reads a column of the query around it here")
}

func (b *binder) join(j *ast.Join, _ *scope) (Node, *scope, error) {
	return nil, nil, notYet(j, "JOIN")
}

func (b *binder) unnestAlone(u *ast.Unnest, _ *scope) (Node, *scope, error) {
	return nil, nil, notYet(u, "UNNEST")
}

func (b *binder) match(m *ast.MatchRecognize, _ *scope) (Node, *scope, error) {
	return nil, nil, notYet(m, "MATCH_RECOGNIZE")
}

func (b *binder) overCall(_ *scope, c *ast.Call) (Expr, error) { return nil, notYet(c, "OVER") }
