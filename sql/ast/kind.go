package ast

import "strings"

// KindOf names a statement as people do: "SELECT", "CREATE TABLE", "INSERT INTO".
func KindOf(s Statement) string {
	switch s := s.(type) {
	case *QueryStatement:
		return queryKind(s.Query)
	case *Insert:
		if s.Overwrite {
			return "INSERT OVERWRITE"
		}
		return "INSERT INTO"
	case *Drop:
		return "DROP " + s.Kind
	case *Show:
		return "SHOW " + s.What
	case *Describe:
		return strings.TrimSpace("DESCRIBE " + s.Kind)
	case *Use:
		return strings.TrimSpace("USE " + strings.TrimPrefix(s.Kind, "DATABASE"))
	case *AlterObject:
		return "ALTER " + s.Kind
	case *Explain:
		return "EXPLAIN " + KindOf(s.Stmt)
	case *Diagnose:
		return "DIAGNOSE"
	case *Lint:
		return "LINT " + KindOf(s.Stmt)
	case *Execute:
		if s.Stmt == nil {
			return "EXECUTE PLAN"
		}
		return "EXECUTE " + KindOf(s.Stmt)
	case *Jar:
		if s.Remove {
			return "REMOVE JAR"
		}
		return "ADD JAR"
	case *Module:
		if s.Unload {
			return "UNLOAD MODULE"
		}
		return "LOAD MODULE"
	}
	return plainKind(s)
}

func queryKind(q Query) string {
	switch q := q.(type) {
	case *Values:
		return "VALUES"
	case *TableQuery:
		return "TABLE"
	case *With:
		return "WITH"
	case *Sort:
		return queryKind(q.Body)
	}
	return "SELECT"
}

func plainKind(s Statement) string {
	switch s.(type) {
	case *CreateTable:
		return "CREATE TABLE"
	case *CreateView:
		return "CREATE VIEW"
	case *CreateFunction:
		return "CREATE FUNCTION"
	case *CreateCatalog:
		return "CREATE CATALOG"
	case *CreateDatabase:
		return "CREATE DATABASE"
	case *CreateModel:
		return "CREATE MODEL"
	case *AlterTable:
		return "ALTER TABLE"
	case *AlterView:
		return "ALTER VIEW"
	case *StatementSet:
		return "STATEMENT SET"
	case *CompilePlan:
		return "COMPILE PLAN"
	case *Set:
		return "SET"
	case *Reset:
		return "RESET"
	case *StopJob:
		return "STOP JOB"
	case *Retry:
		return "RETRY"
	case *Analyze:
		return "ANALYZE TABLE"
	case *Truncate:
		return "TRUNCATE TABLE"
	case *CallProcedure:
		return "CALL"
	case *Update:
		return "UPDATE"
	case *Delete:
		return "DELETE"
	}
	return "statement"
}
