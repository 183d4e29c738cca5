package planner

import (
	"strings"
	"testing"

	"weir/sql"
	"weir/sql/ast"
)

// TestDropWarnings drops tables and views that views read.
func TestDropWarnings(t *testing.T) {
	for _, c := range []struct{ script, drop, want string }{
		{"", "DROP TABLE t", ""},
		{"CREATE VIEW v AS SELECT a FROM t;", "DROP TABLE t", `view "v" reads "t", and will not run until there is one of that name again`},
		{"CREATE VIEW v AS SELECT a FROM t; CREATE TEMPORARY VIEW w AS SELECT v.a FROM v JOIN default_database.t AS x ON v.a = x.a;", "DROP TABLE t", `views "v", "w" read "t", and will not run until there is one of that name again`},
		{"CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v;", "DROP VIEW v", `view "w" reads "v", and will not run until there is one of that name again`},
		{"CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v;", "DROP VIEW w", ""},
		{"", "DROP TABLE IF EXISTS nothing", ""},
	} {
		p := newPlanner()
		if _, err := run(p, "CREATE TABLE t (a INT) WITH ('connector' = 'fake', 'topic' = 'x');\n"+c.script); err != nil {
			t.Fatal(err)
		}
		stmts, err := sql.Parse(c.drop)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range p.Catalog.DropWarnings(stmts[0].(*ast.Drop)) {
			got = append(got, w.Msg)
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s %s: %q, want %q", c.script, c.drop, got, c.want)
		}
	}
}

// TestTableWarnings makes tables of connectors that do not partition.
func TestTableWarnings(t *testing.T) {
	for _, c := range []struct{ create, want string }{
		{"CREATE TABLE t (a INT) PARTITIONED BY (a) WITH ('connector' = 'fake', 'topic' = 'x')", `PARTITIONED BY has no effect: connector "fake" does not partition`},
		{"CREATE TABLE t (a INT) WITH ('connector' = 'fake', 'topic' = 'x')", ""},
	} {
		p := newPlanner()
		if _, err := run(p, c.create); err != nil {
			t.Fatal(err)
		}
		stmts, err := sql.Parse(c.create)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, w := range p.Catalog.TableWarnings(stmts[0].(*ast.CreateTable)) {
			got += w.Msg
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.create, got, c.want)
		}
	}
}
