package sql

import (
	"weir/sql/ast"
)

// statement prints the statements that change or run something.
func (p *printer) statement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.QueryStatement:
		p.query(s.Query)
	case *ast.Insert:
		p.insert(s)
	case *ast.Update:
		p.w("UPDATE ")
		p.name(s.Table)
		p.w(" SET ")
		commas(p, s.Set, func(a *ast.Assignment) {
			p.name(a.Column)
			p.clause(" = ", a.Value)
		})
		p.clause(" WHERE ", s.Where)
	case *ast.Delete:
		p.w("DELETE FROM ")
		p.name(s.Table)
		p.clause(" WHERE ", s.Where)
	case *ast.StatementSet:
		p.statementSet(s)
	case *ast.CreateTable:
		p.createTable(s)
	case *ast.CreateView:
		p.createView(s)
	case *ast.CreateFunction:
		p.createFunction(s)
	case *ast.CreateModel:
		p.createModel(s)
	case *ast.CreateCatalog:
		p.createHead(false, false, false, "CATALOG", s.IfNotExists, s.Name)
		p.str(" COMMENT ", s.Comment)
		p.w(" WITH ")
		p.options(s.Options)
	case *ast.CreateDatabase:
		p.createHead(false, false, false, "DATABASE", s.IfNotExists, s.Name)
		p.str(" COMMENT ", s.Comment)
		if s.Options != nil {
			p.w(" WITH ")
			p.options(s.Options)
		}
	case *ast.AlterTable:
		p.alterHead("TABLE", s.IfExists, s.Name)
		p.alterAction(s.Action)
	case *ast.AlterObject:
		p.alterHead(s.Kind, s.IfExists, s.Name)
		p.alterAction(s.Action)
	case *ast.AlterView:
		p.alterHead("VIEW", false, s.Name)
		if s.Rename != nil {
			p.w("RENAME TO ")
			p.name(s.Rename)
		} else {
			p.w("AS ")
			p.query(s.As)
		}
	case *ast.Drop:
		p.drop(s)
	default:
		p.utility(s)
	}
}

func (p *printer) alterHead(kind string, ifExists bool, name *ast.Name) {
	p.w("ALTER ", kind, " ")
	p.when(ifExists, "IF EXISTS ")
	p.name(name)
	p.w(" ")
}

func (p *printer) drop(s *ast.Drop) {
	p.w("DROP ")
	p.when(s.Temporary, "TEMPORARY ")
	p.when(s.System, "SYSTEM ")
	p.w(s.Kind, " ")
	p.when(s.IfExists, "IF EXISTS ")
	p.name(s.Name)
	p.when(s.Behavior != "", " "+s.Behavior)
}

func (p *printer) insert(s *ast.Insert) {
	p.when(s.Execute, "EXECUTE ")
	if s.Overwrite {
		p.w("INSERT OVERWRITE ")
	} else {
		p.w("INSERT INTO ")
	}
	p.name(s.Table)
	p.hints(s.Hints)
	if s.Partition != nil {
		p.w(" PARTITION ")
		p.partition(s.Partition)
	}
	if s.Columns != nil {
		p.w(" ")
		parens(p, s.Columns, p.ident)
	}
	p.w(" ")
	p.query(s.Query)
}

func (p *printer) statementSet(s *ast.StatementSet) {
	switch {
	case s.Begin:
		p.w("BEGIN STATEMENT SET;\n")
	case s.Execute:
		p.w("EXECUTE STATEMENT SET BEGIN\n")
	default:
		p.w("STATEMENT SET BEGIN\n")
	}
	for _, i := range s.Inserts {
		p.insert(i)
		p.w(";\n")
	}
	p.w("END")
}

// utility prints the statements about statements, settings and the catalog.
func (p *printer) utility(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Explain:
		p.w("EXPLAIN ")
		p.when(s.PlanFor, "PLAN FOR ")
		commas(p, s.Details, func(d ast.Symbol) { p.w(d.Name) })
		p.when(s.Details != nil, " ")
		p.statement(s.Stmt)
	case *ast.Diagnose:
		if s.Job != nil {
			p.str("DIAGNOSE JOB ", s.Job)
			return
		}
		p.w("DIAGNOSE ")
		p.statement(s.Stmt)
	case *ast.Lint:
		p.w("LINT ")
		p.statement(s.Stmt)
	case *ast.Execute:
		p.w("EXECUTE ")
		p.str("PLAN ", s.Plan)
		if s.Stmt != nil {
			p.statement(s.Stmt)
		}
	case *ast.CompilePlan:
		p.w("COMPILE ")
		p.when(s.AndExecute, "AND EXECUTE ")
		p.str("PLAN ", s.Path)
		p.when(s.IfNotExists, " IF NOT EXISTS")
		p.w(" FOR ")
		p.statement(s.Stmt)
	case *ast.Set:
		p.w("SET")
		p.str(" ", s.Key)
		p.str(" = ", s.Value)
	case *ast.Reset:
		p.w("RESET")
		p.str(" ", s.Key)
	case *ast.Show:
		p.show(s)
	case *ast.Describe:
		p.w("DESCRIBE ")
		p.when(s.Kind != "", s.Kind+" ")
		p.when(s.Extended, "EXTENDED ")
		p.str("", s.Text)
		if s.Name != nil {
			p.name(s.Name)
		}
	case *ast.Use:
		p.w("USE ")
		p.when(s.Kind != "DATABASE", s.Kind+" ")
		commas(p, s.Names, p.name)
	case *ast.StopJob:
		p.str("STOP JOB ", s.ID)
		p.when(s.Savepoint, " WITH SAVEPOINT")
		p.when(s.Drain, " WITH DRAIN")
	case *ast.Retry:
		p.retry(s)
	default:
		p.rare(s)
	}
}

func (p *printer) retry(s *ast.Retry) {
	p.w("RETRY FROM ")
	p.name(s.From)
	if s.Into != nil {
		p.w(" INTO ")
		p.name(s.Into)
	}
	if s.Where != nil {
		p.w(" WHERE ")
		p.expr(s.Where)
	}
	if s.Insert != nil {
		p.w(" ")
		p.statement(s.Insert)
	}
}

// rare prints the statements about jars, modules and the like.
func (p *printer) rare(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Jar:
		if s.Remove {
			p.str("REMOVE JAR ", s.Path)
		} else {
			p.str("ADD JAR ", s.Path)
		}
	case *ast.Module:
		p.when(s.Unload, "UN")
		p.w("LOAD MODULE ")
		p.name(s.Name)
		if s.Options != nil {
			p.w(" WITH ")
			p.options(s.Options)
		}
	case *ast.Analyze:
		p.w("ANALYZE TABLE ")
		p.name(s.Table)
		if s.Partition != nil {
			p.w(" PARTITION ")
			p.partition(s.Partition)
		}
		p.w(" COMPUTE STATISTICS")
		p.when(s.AllColumns, " FOR ALL COLUMNS")
		if s.Columns != nil {
			p.w(" FOR COLUMNS ")
			commas(p, s.Columns, p.ident)
		}
	case *ast.Truncate:
		p.w("TRUNCATE TABLE ")
		p.name(s.Table)
	case *ast.CallProcedure:
		p.w("CALL ")
		p.name(s.Name)
		parens(p, s.Args, p.expr)
	default:
		panic("sql: Print of an unknown statement")
	}
}

func (p *printer) show(s *ast.Show) {
	p.w("SHOW ", s.What)
	if s.Name != nil {
		p.w(" ")
		p.name(s.Name)
	}
	if s.Partition != nil {
		p.w(" PARTITION ")
		p.partition(s.Partition)
	}
	if s.Scope != nil {
		if s.In {
			p.w(" IN ")
		} else {
			p.w(" FROM ")
		}
		p.name(s.Scope)
	}
	p.when(s.Not, " NOT")
	p.when(s.Like != "", " "+s.Like)
	p.str(" ", s.Pattern)
}
