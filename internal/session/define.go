package session

import (
	"fmt"
	"slices"
	"strings"

	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

const okMessage = "Execute statement succeeded."

// define runs the statements that change the catalog. ok is false for other statements.
func (s *Session) define(src string, stmt ast.Statement) (r *Result, ok bool, err error) {
	switch st := stmt.(type) {
	case *ast.CreateTable:
		if st.As != nil {
			r, err = s.createAs(src, st)
			return r, true, err
		}
		err = s.plan.CreateTable(st, src)
	case *ast.CreateView:
		err = s.plan.CreateView(st, src)
	case *ast.CreateDatabase:
		err = s.plan.Catalog.CreateDatabase(st)
	case *ast.CreateCatalog:
		err = s.plan.Catalog.CreateCatalog(st)
	case *ast.Drop:
		err = s.plan.Catalog.Drop(st)
	case *ast.Use:
		err = s.plan.Catalog.Use(st)
	case *ast.AlterTable:
		err = s.plan.AlterTable(st, src)
	case *ast.AlterView:
		err = s.plan.AlterView(st, src)
	case *ast.Jar:
		return nil, true, sql.Errorf(st, "weir runs no Java: there are no JARs").WithHint("connectors and formats are built in: SHOW CONNECTORS lists them")
	case *ast.Module:
		return &Result{Kind: Done, Message: okMessage, Warnings: []planner.Warning{{Msg: "modules are built in; there is nothing to load"}}}, true, nil
	case *ast.Analyze:
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
	return &Result{Kind: Done, Message: okMessage}, true, nil
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
	return &Result{Kind: Insert, Plan: plan, s: s, text: cut(src, st)}, nil
}

// explainDetails may stand behind EXPLAIN. The plan shows changelog modes and state without being asked;
// there is no cost to estimate.
var explainDetails = []string{"CHANGELOG_MODE", "ESTIMATED_COST", "JSON", "JSON_EXECUTION_PLAN", "PLAN_ADVICE", "STATE"}

func (s *Session) explain(st *ast.Explain) (*Result, error) {
	details := map[string]bool{}
	for i := range st.Details {
		d := &st.Details[i]
		if !slices.Contains(explainDetails, strings.ToUpper(d.Name)) {
			return nil, sql.Errorf(d, "EXPLAIN %s is not known", d.Name).WithHint("there is %s", strings.Join(explainDetails, ", "))
		}
		details[strings.ToUpper(d.Name)] = true
	}
	plan, err := s.planOf(st.Stmt)
	if err != nil {
		return nil, err
	}
	text := planner.Explain(plan)
	if details["JSON"] || details["JSON_EXECUTION_PLAN"] {
		text = planner.ExplainJSON(plan)
	}
	if details["PLAN_ADVICE"] {
		text += "\n" + planner.Advice(plan)
	}
	return &Result{Kind: Table, Columns: []string{"result"}, Cells: [][]string{{text}}, Plain: true, Warnings: plan.Warnings}, nil
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

func (s *Session) lint(st *ast.Lint) (*Result, error) {
	plan, err := s.planOf(st.Stmt)
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"warning", "what to do"}}
	for _, w := range planner.Lint(plan) {
		r.Cells = append(r.Cells, []string{w.Msg, w.Hint})
	}
	seen := map[string]bool{}
	for _, id := range sql.ReservedNames(st.Stmt) {
		if !seen[id.Name] {
			seen[id.Name] = true
			r.Cells = append(r.Cells, []string{fmt.Sprintf("%q is a reserved word of Flink, where it needs backticks", id.Name), "write `" + id.Name + "`"})
		}
	}
	return r, nil
}
