package session

import (
	"fmt"
	"strings"

	"weir/connectors"
	"weir/connectors/memory"
	"weir/exec"
	"weir/exec/job"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/vec"
)

// What golden files need beyond what users do: to feed tables, and to plan and run a statement many times over.

// MemoryTable gives the rows of a table of the connector 'memory', and what it declares. The name is as
// in SQL, without backticks.
func (s *Session) MemoryTable(name string) (*memory.Table, *connectors.TableDesc, error) {
	n := &ast.Name{}
	for _, part := range strings.Split(name, ".") {
		n.Parts = append(n.Parts, ast.Ident{Name: part})
	}
	t, err := s.plan.Catalog.Table(n)
	if err != nil {
		return nil, nil, err
	}
	if c := t.Options["connector"]; c != "memory" {
		return nil, nil, fmt.Errorf("table %q has the connector '%s': only those of the connector 'memory' can be fed", name, c)
	}
	rows := t.Options["table-name"]
	if rows == "" {
		rows = t.Desc.Name
	}
	return s.memory.Table(rows), t.Desc, nil
}

// PlanWith plans a query, an INSERT or a STATEMENT SET of the text src with other settings than the session's.
func (s *Session) PlanWith(src string, stmt ast.Statement, adjust func(*planner.Settings)) (*planner.Plan, error) {
	was := s.plan.Settings
	defer func() { s.plan.Settings = was }()
	adjust(&s.plan.Settings)
	plan, err := s.planOf(stmt)
	if err != nil {
		return nil, locate(err, src)
	}
	return plan, nil
}

// ExecOptions are what a job of the session runs with. rows takes the rows of a query; what a query rejects, which
// runs many times over, is not kept.
func (s *Session) ExecOptions(rows func(*vec.Batch) error) exec.Options {
	o := s.execOptions(rows)
	if rows == nil {
		o.Env.JobID = job.NewID()
		o.Rejects = s.rejects.Job(o.Env.JobID)
	}
	return o
}

// ParseOne parses a text that holds one statement.
func ParseOne(src string) (ast.Statement, error) {
	stmts, err := sql.Parse(src)
	if err != nil {
		return nil, err
	}
	if len(stmts) != 1 {
		return nil, fmt.Errorf("one statement is wanted here, there are %d", len(stmts))
	}
	return stmts[0], nil
}
