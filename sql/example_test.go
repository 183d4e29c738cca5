package sql_test

import (
	"fmt"
	"sync"
	"testing"

	"weir/sql"
	"weir/sql/ast"
)

func ExampleParse() {
	stmts, err := sql.Parse(`
		CREATE TABLE laps (bike INT, heat DOUBLE) WITH ('connector' = 'datagen');
		SELECT bike, MAX(heat) FORM laps GROUP BY bike;
		SHOW TABLES;`)
	fmt.Println(len(stmts), "statements")
	fmt.Println(err)
	// Output:
	// 2 statements
	// 3:26: unexpected "FORM"
	//   		SELECT bike, MAX(heat) FORM laps GROUP BY bike;
	//   		                       ~~~~
	//   hint: did you mean FROM?
}

func ExamplePrint() {
	stmt, err := sql.ParseStatement("select a+b*c as x from `t` where not a is null")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sql.Print(stmt))
	ast.Walk(stmt, func(n ast.Node) bool {
		if b, ok := n.(*ast.Binary); ok {
			fmt.Println(b.Op, "is at byte", b.OpSpan.Start)
		}
		return true
	})
	// Output:
	// SELECT a + b * c AS x FROM `t` WHERE NOT a IS NULL
	// + is at byte 8
	// * is at byte 10
}

// TestConcurrent parses in several goroutines at once: each must see its own statement.
func TestConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				src := fmt.Sprintf("SELECT a%d + %d FROM t%d WHERE x IN (%d, %d)", g, i, g, g, i)
				stmt, err := sql.ParseStatement(src)
				if err != nil {
					t.Error(err)
					return
				}
				if got := sql.Print(stmt); got != src {
					t.Errorf("got %s, want %s", got, src)
				}
			}
		})
	}
	wg.Wait()
}
