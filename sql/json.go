package sql

import (
	"weir/sql/ast"
)

// jsonPairs lowers KEY k VALUE v, 'k': v, ..
func (l *lowerer) jsonPairs(node *ast.Call) {
	if l.jsonClauseAhead() {
		return
	}
	for {
		if l.is("KEY") && !l.isAt(1, "VALUE") && !l.isAt(1, ":") && !l.isAt(1, ".") {
			l.i++
		}
		l.expr()
		if !l.accept(":") && !l.accept("VALUE") {
			l.expected("VALUE or \":\" and the value of the key", "VALUE")
		}
		l.emit(",")
		l.expr()
		node.Seps = append(node.Seps, "", "")
		if !l.is(",") {
			return
		}
		l.emit(",")
		l.i++
	}
}

// jsonClauseAhead tells whether a clause such as NULL ON EMPTY comes next instead of an argument.
func (l *lowerer) jsonClauseAhead() bool {
	return l.isAny("NULL", "ABSENT", "ERROR") && l.isAt(1, "ON") || l.is("RETURNING") && l.peek(1).Kind == Word
}

// jsonClauses lowers the clauses of the SQL/JSON functions, in any order.
func (l *lowerer) jsonClauses(node *ast.Call) {
	if l.is(")") || l.is(",") {
		return
	}
	start := l.cur().Start
	j := &ast.JSONOptions{}
	for !l.is(")") {
		switch {
		case j.Returning == nil && l.accept("RETURNING"):
			j.Returning = l.typeName()
		case j.Wrapper == "" && l.isAny("WITH", "WITHOUT"):
			l.jsonWrapper(j)
		default:
			l.jsonOn(j)
		}
	}
	j.Span = l.from(start)
	node.JSON = j
}

func (l *lowerer) jsonWrapper(j *ast.JSONOptions) {
	switch without := l.next().is(l.src, "WITHOUT"); {
	case without:
		j.Wrapper = "WITHOUT ARRAY"
	case l.accept("CONDITIONAL"):
		j.Wrapper = "WITH CONDITIONAL ARRAY"
	default:
		l.accept("UNCONDITIONAL")
		j.Wrapper = "WITH UNCONDITIONAL ARRAY"
	}
	l.accept("ARRAY")
	l.expect("WRAPPER")
}

// jsonOn lowers behaviour ON EMPTY | ERROR | NULL.
func (l *lowerer) jsonOn(j *ast.JSONOptions) {
	start := l.cur()
	b := &ast.JSONBehavior{}
	switch {
	case l.accept("EMPTY", "ARRAY"):
		b.Kind = "EMPTY ARRAY"
	case l.accept("EMPTY", "OBJECT"):
		b.Kind = "EMPTY OBJECT"
	case l.is("DEFAULT"):
		b.Kind = "DEFAULT"
		l.i++
		l.emitCommaAfterArg()
		l.open(&partDefault{b})
		l.inner(l.expr)
		l.emit(")")
	case l.isAny("NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN", "ABSENT", "EMPTY"):
		b.Kind = l.upper(l.next())
	default:
		l.expected("a clause such as NULL ON ERROR, or \")\"", words("NULL ERROR DEFAULT EMPTY RETURNING WITH WITHOUT ABSENT")...)
	}
	l.expect("ON")
	target := l.cur()
	switch {
	case j.OnEmpty == nil && l.accept("EMPTY"):
		j.OnEmpty = b
	case j.OnError == nil && l.accept("ERROR"):
		j.OnError = b
	case j.OnNull == "" && (b.Kind == "NULL" || b.Kind == "ABSENT") && l.accept("NULL"):
		j.OnNull = b.Kind
	default:
		if l.isAny("EMPTY", "ERROR", "NULL") {
			l.fail(target, "", "this clause does not fit here: %s ON %s", b.Kind, l.upper(target))
		}
		l.expected("EMPTY, ERROR or NULL", "EMPTY", "ERROR", "NULL")
	}
	b.Span = l.from(start.Start)
}
