package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"weir/sql"
	"weir/sql/ast"
)

func parseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "parse [FILE...]",
		Short: "Parse scripts: each statement's kind and span, or its error",
		Long: `Parses each script (standard input without a FILE) and prints a line a statement: its first and last
position as line:column, and its kind. Errors go to standard error. Exits 1 on any error.`,
		Example: "  weir parse script.sql\n  echo 'SELECT 1' | weir parse",
		RunE: func(c *cobra.Command, files []string) error {
			if len(files) == 0 {
				files = []string{"-"}
			}
			bad := false
			for _, f := range files {
				text, err := readScript(f)
				if err != nil {
					return err
				}
				bad = parseOne(c.OutOrStdout(), f, text) || bad
			}
			if bad {
				return exitCode(1)
			}
			return nil
		},
	}
}

// readScript reads a file, or standard input for "-".
func readScript(name string) (string, error) {
	if name == "-" {
		b, err := io.ReadAll(os.Stdin)
		return string(b), err
	}
	b, err := os.ReadFile(name)
	return string(b), err
}

func parseOne(out io.Writer, name, text string) (bad bool) {
	stmts, err := sql.Parse(text)
	for _, s := range stmts {
		fmt.Fprintf(out, "%s-%s %s\n", position(text, s.Pos()), position(text, s.Range().End), ast.KindOf(s))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return err != nil
}

// position is a byte offset as line:column, both from 1, columns in characters.
func position(text string, pos int) string {
	line, col := 1, 1
	for _, r := range text[:min(pos, len(text))] {
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return fmt.Sprintf("%d:%d", line, col)
}
