package planner

import (
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// syntaxArgs brings a call with a syntax of its own to the arguments that sql/fn wants (see its
// calls.go): keywords are symbols, and clauses that were left out their defaults.
func (b *binder) syntaxArgs(s *scope, c *ast.Call, args []Expr) ([]Expr, error) {
	if err := jsonClauses(c); err != nil {
		return nil, err
	}
	switch strings.ToUpper(c.Name.Last()) {
	case "TRIM":
		return trimArgs(c, args), nil
	case "JSON_VALUE":
		return b.jsonValueArgs(s, c, args)
	case "JSON_QUERY":
		return jsonQueryArgs(c, args)
	case "JSON_EXISTS":
		if c.JSON != nil && c.JSON.OnError != nil {
			return append(args, SymbolLit(c.JSON.OnError.Kind)), nil
		}
	case "JSON_OBJECT":
		return append([]Expr{SymbolLit(onNull(c, "NULL"))}, args...), nil
	case "JSON_ARRAY":
		return append([]Expr{SymbolLit(onNull(c, "ABSENT"))}, args...), nil
	case "JSON_ARRAYAGG":
		return append(args, SymbolLit(onNull(c, "ABSENT"))), nil
	case "JSON_OBJECTAGG":
		return append(args, SymbolLit(onNull(c, "NULL"))), nil
	}
	return args, nil
}

// jsonKinds are what the JSON functions may do ON EMPTY and ON ERROR.
var jsonKinds = map[string][]string{
	"JSON_VALUE": {"NULL", "ERROR", "DEFAULT"}, "JSON_QUERY": {"NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"},
	"JSON_EXISTS": {"TRUE", "FALSE", "UNKNOWN", "ERROR"},
}

// jsonClauses refuses the clauses that a function does not take.
func jsonClauses(c *ast.Call) error {
	j := c.JSON
	if j == nil {
		return nil
	}
	name := strings.ToUpper(c.Name.Last())
	makes := name == "JSON_OBJECT" || name == "JSON_ARRAY" || name == "JSON_OBJECTAGG" || name == "JSON_ARRAYAGG"
	no := func(what string) error { return sql.Errorf(j, "%s takes no %s", name, what) }
	switch {
	case !makes && jsonKinds[name] == nil:
		return no("clauses of JSON functions")
	case j.OnNull != "" && !makes:
		return no(j.OnNull + " ON NULL")
	case j.Wrapper != "" && name != "JSON_QUERY":
		return no("WRAPPER")
	case j.Returning != nil && name != "JSON_QUERY" && name != "JSON_VALUE":
		return no("RETURNING")
	case j.OnEmpty != nil && (makes || name == "JSON_EXISTS"):
		return no("ON EMPTY")
	}
	for i, on := range jsonBehaviors(c) {
		if on != nil && !slices.Contains(jsonKinds[name], on.Kind) {
			return sql.Errorf(on, "%s takes no %s ON %s", name, on.Kind, []string{"EMPTY", "ERROR"}[i])
		}
	}
	return nil
}

// trimArgs is TRIM(side, chars, s).
func trimArgs(c *ast.Call, args []Expr) []Expr {
	side := SymbolLit("BOTH")
	if len(c.Args) > 0 {
		if sym, ok := c.Args[0].(*ast.Symbol); ok {
			side, args = SymbolLit(sym.Name), args[1:]
		}
	}
	switch len(args) {
	case 1:
		return []Expr{side, StringLit(" "), args[0]}
	case 2:
		return []Expr{side, args[0], args[1]}
	}
	return args
}

func onNull(c *ast.Call, def string) string {
	if c.JSON != nil && c.JSON.OnNull != "" {
		return c.JSON.OnNull
	}
	return def
}

// jsonValueArgs is JSON_VALUE(j, path, type, onEmpty, emptyDefault, onError, errorDefault).
func (b *binder) jsonValueArgs(s *scope, c *ast.Call, args []Expr) ([]Expr, error) {
	returning, err := jsonReturning(c, "STRING")
	if err != nil {
		return nil, err
	}
	out := append(args, SymbolLit(returning))
	for _, on := range jsonBehaviors(c) {
		kind, def := "NULL", Expr(NullLit(types.StringType))
		if on != nil {
			kind = on.Kind
			if on.Default != nil {
				if def, err = b.expr(s, on.Default); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, SymbolLit(kind), def)
	}
	return out, nil
}

func jsonBehaviors(c *ast.Call) [2]*ast.JSONBehavior {
	if c.JSON == nil {
		return [2]*ast.JSONBehavior{}
	}
	return [2]*ast.JSONBehavior{c.JSON.OnEmpty, c.JSON.OnError}
}

// jsonReturning is the word for the type of RETURNING.
func jsonReturning(c *ast.Call, def string) (string, error) {
	if c.JSON == nil || c.JSON.Returning == nil {
		return def, nil
	}
	t, err := resolveType(c.JSON.Returning)
	if err != nil {
		return "", err
	}
	switch {
	case t.IsString():
		return "STRING", nil
	case t.Kind == types.Int:
		return "INTEGER", nil
	}
	return t.WithNull(true).String(), nil
}

// jsonQueryArgs is JSON_QUERY(j, path, type, wrapper, onEmpty, onError).
func jsonQueryArgs(c *ast.Call, args []Expr) ([]Expr, error) {
	returning, err := jsonReturning(c, "STRING")
	if err != nil {
		return nil, err
	}
	wrapper := "WITHOUT"
	if c.JSON != nil {
		switch w := c.JSON.Wrapper; {
		case strings.Contains(w, "UNCONDITIONAL"):
			wrapper = "UNCONDITIONAL"
		case strings.Contains(w, "CONDITIONAL"):
			wrapper = "CONDITIONAL"
		}
	}
	out := append(args, SymbolLit(returning), SymbolLit(wrapper))
	for _, on := range jsonBehaviors(c) {
		kind := "NULL"
		if on != nil {
			kind = on.Kind
		}
		out = append(out, SymbolLit(kind))
	}
	return out, nil
}
