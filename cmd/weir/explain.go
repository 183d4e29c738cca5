package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"weir/internal/session"
	"weir/sql"
	"weir/sql/ast"
)

func explainCommand() *cobra.Command {
	var f common
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain FILE",
		Short: "Show the plans of a script's queries and INSERTs, without running them",
		Long: `Shows the plan of each query and INSERT of a script (- is standard input): the tree of operators, the
changelog each emits, and the state it holds with what frees it. Other statements are executed, so that
the tables are known.`,
		Example: "  weir explain job.sql\n  weir explain --json job.sql",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readScript(args[0])
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(filepath.Dir(args[0]))
			if err != nil {
				return err
			}
			vars, err := f.variables(dir)
			if err != nil {
				return err
			}
			if text, err = session.Substitute(text, vars); err != nil {
				return err
			}
			opts, err := f.options()
			if err != nil {
				return err
			}
			opts.Ephemeral = true
			s, err := session.Open(opts)
			if err != nil {
				return err
			}
			defer s.Close()
			r := &script{s: s, out: c.OutOrStdout(), errs: os.Stderr, format: "table", quiet: true}
			stmts, err := sql.Parse(text)
			if err != nil {
				return r.fail(args[0], err)
			}
			for i, st := range stmts {
				if explainable(st) {
					fmt.Fprintf(r.out, "-- %s\n", ast.KindOf(st))
					st = explained(st, asJSON)
				}
				if err := r.statement(c.Context(), text, st); err != nil {
					return r.fail(args[0], err)
				}
				if i < len(stmts)-1 && explainable(stmts[i]) {
					fmt.Fprintln(r.out)
				}
			}
			return nil
		},
	}
	f.bind(c)
	c.Flags().BoolVar(&asJSON, "json", false, "the plan as JSON")
	return c
}

func explainable(st ast.Statement) bool {
	switch st.(type) {
	case *ast.QueryStatement, *ast.Insert, *ast.StatementSet:
		return true
	}
	return false
}

func explained(st ast.Statement, asJSON bool) ast.Statement {
	e := &ast.Explain{Span: st.Range(), Stmt: st}
	if asJSON {
		e.Details = []ast.Symbol{{Span: st.Range(), Name: "JSON"}}
	}
	return e
}
