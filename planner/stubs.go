package planner

import (
	"weir/sql/ast"
)

type matchScope struct{}

func (b *binder) match(m *ast.MatchRecognize, _ *scope) (Node, *scope, error) {
	return nil, nil, notYet(m, "MATCH_RECOGNIZE")
}
