package session

import (
	"fmt"
	"strings"

	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

const okMessage = "Execute statement succeeded."

// define runs the statements that change the catalog. ok is false for other statements.
func (s *Session) define(src string, stmt ast.Statement) (r *Result, ok bool, err error) {
	var warnings []planner.Warning
	switch st := stmt.(type) {
	case *ast.CreateTable:
		if st.As != nil {
			r, err = s.createAs(src, st)
			return r, true, err
		}
		if err = s.plan.CreateTable(st, src); err == nil {
			warnings = s.plan.Catalog.TableWarnings(st)
		}
	case *ast.CreateView:
		err = s.plan.CreateView(st, src)
	case *ast.CreateModel:
		err = s.plan.CreateModel(st)
	case *ast.CreateDatabase:
		err = s.plan.Catalog.CreateDatabase(st)
	case *ast.CreateCatalog:
		err = s.plan.Catalog.CreateCatalog(st)
	case *ast.Drop:
		warnings = s.plan.Catalog.DropWarnings(st)
		err = s.plan.Catalog.Drop(st)
	case *ast.Use:
		err = s.plan.Catalog.Use(st)
	case *ast.AlterTable:
		err = s.plan.AlterTable(st, src)
	case *ast.AlterView:
		err = s.plan.AlterView(st, src)
	case *ast.AlterObject:
		if st.Kind != "MODEL" {
			return nil, false, nil
		}
		err = s.plan.AlterModel(st)
	case *ast.Jar:
		return nil, true, sql.Errorf(st, "weir runs no Java: there are no JARs").WithHint("connectors and formats are built in: SHOW CONNECTORS lists them")
	case *ast.Module:
		return &Result{Kind: Done, Message: okMessage, Warnings: []planner.Warning{{Msg: "modules are built in; there is nothing to load"}}}, true, nil
	case *ast.Analyze:
		if _, err := s.plan.Catalog.Table(st.Table); err != nil {
			return nil, true, err
		}
		return &Result{Kind: Done, Message: okMessage}, true, nil
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	s.settle() // USE changes the current database
	if err := s.save(); err != nil {
		return nil, true, err
	}
	return &Result{Kind: Done, Message: okMessage, Warnings: warnings}, true, nil
}

// createAs makes the table, and gives the job that fills it.
func (s *Session) createAs(src string, st *ast.CreateTable) (*Result, error) {
	plan, err := s.plan.CreateTableAs(st, src)
	if err != nil {
		return nil, err
	}
	if err := s.save(); err != nil {
		return nil, err
	}
	if plan == nil { // IF NOT EXISTS, and it does
		return &Result{Kind: Done, Message: okMessage}, nil
	}
	return s.insertOf(src, st, plan)
}

// insertOf makes of CREATE TABLE t AS query the INSERT that does the work, which can be planned again.
func (s *Session) insertOf(src string, st *ast.CreateTable, plan *planner.Plan) (*Result, error) {
	sink := plan.Roots[0].(*planner.Sink)
	query, err := s.plan.PlanQuery(st.As)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range planner.Columns(query) {
		names = append(names, backquote(c.Name))
	}
	path := sink.Table.Path
	text := fmt.Sprintf("INSERT INTO %s.%s.%s (%s) %s", backquote(path[0]), backquote(path[1]), backquote(path[2]), strings.Join(names, ", "), cut(src, st.As))
	stmts, err := sql.Parse(text)
	if err != nil || len(stmts) != 1 {
		return nil, fmt.Errorf("CREATE TABLE AS as INSERT: %w", err)
	}
	return &Result{Kind: Insert, Plan: plan, s: s, text: text, stmt: stmts[0]}, nil
}

// planOf plans any statement that can be explained.
func (s *Session) planOf(stmt ast.Statement) (*planner.Plan, error) {
	switch st := stmt.(type) {
	case *ast.QueryStatement:
		return s.plan.PlanQuery(st.Query)
	case *ast.Insert:
		return s.plan.PlanInsert(st)
	case *ast.StatementSet:
		return s.plan.PlanStatementSet(st)
	case *ast.Execute:
		if st.Stmt != nil {
			return s.planOf(st.Stmt)
		}
	}
	return nil, sql.Errorf(stmt, "%s has no plan: only queries, INSERT and STATEMENT SET have one", ast.KindOf(stmt))
}
