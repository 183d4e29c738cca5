package sql

import (
	"errors"
	"strings"
	"testing"

	"weir/sql/ast"
)

// wantError checks the first line, the underlined text and the hint of the error of a statement.
func wantError(t *testing.T) func(src, message, underlined, hint string) {
	return func(src, message, underlined, hint string) {
		t.Helper()
		_, err := ParseStatement(src)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v", src, err)
			return
		}
		if first, _, _ := strings.Cut(err.Error(), "\n"); first != message {
			t.Errorf("%s\n got %s\nwant %s", src, first, message)
		}
		if text := src[e.Pos : e.Pos+e.Len]; text != underlined {
			t.Errorf("%s: underlined %q, want %q", src, text, underlined)
		}
		if e.Hint != hint {
			t.Errorf("%s: hint %q, want %q", src, e.Hint, hint)
		}
	}
}

// TestErrors: what a mistake looks like to the user: the first line, the underlined text, the hint.
func TestErrors(t *testing.T) {
	f := wantError(t)
	// misspelt keywords
	f("SELECT a FORM t", `1:10: unexpected "FORM"`, "FORM", "did you mean FROM?")
	f("SELCT a FROM t", `1:1: unknown statement "SELCT"`, "SELCT", "did you mean SELECT?")
	f("SELECT a FROM t WHRE a > 1", `1:17: unexpected "WHRE"`, "WHRE", "did you mean WHERE?")
	f("SELECT a\nFROM t\nGRUOP BY a", `3:1: unexpected "GRUOP"`, "GRUOP", "did you mean GROUP?")
	f("CREATE TBALE t (a INT)", `1:8: expected TABLE, VIEW, FUNCTION, CATALOG, DATABASE or MODEL, found "TBALE"`, "TBALE", "did you mean TABLE?")
	f("CREATE TABLE t (a INT) WIHT ('a' = 'b')", `1:24: expected WITH, PARTITIONED BY, LIKE, AS or the end, found "WIHT"`, "WIHT", "did you mean WITH?")
	f("SHOW TABELS", `1:6: expected what to show, such as TABLES or JOBS, found "TABELS"`, "TABELS", "did you mean TABLES?")
	f("SELECT INTERVAL '1' DAYZ FROM t", `1:21: expected a unit of time such as SECOND or DAY, found "DAYZ"`, "DAYZ", "did you mean DAY?")

	// what is missing, or too much
	f("SELECT FROM t", `1:8: expected an expression, found "FROM"`, "FROM", "")
	f("SELECT a, FROM t", `1:11: expected an expression, found "FROM"`, "FROM", commaHint)
	f("CREATE TABLE t (a INT,)", `1:23: expected a column name, found ")"`, ")", commaHint)
	f("SELECT a FROM", "1:14: expected a table name, found the end of the statement", "", "")
	f("SELECT a FROM t WHERE", "1:22: expected an expression, found the end of the statement", "", "")
	f("SELECT a FROM t ORDER a", `1:23: expected BY, found "a"`, "a", "")
	f("SELECT a) FROM t", `1:9: unexpected ")"`, ")", `there is no "(" for it`)
	f("SELECT (a FROM t", `1:11: expected "," or ")", found "FROM"`, "FROM", "")
	f("SELECT f(a FROM t", `1:12: expected "," or ")" in the arguments of f, found "FROM"`, "FROM", "")
	f("SELECT CASE WHEN a THEN b FROM t", `1:27: expected WHEN, ELSE or END, found "FROM"`, "FROM", "")
	f("SELECT a b c FROM t", `1:12: unexpected "c"`, "c", "")
	f("SELECT a FROM t WHERE a BETWEEN 1 OR b", `1:35: expected AND and the upper bound of BETWEEN, found "OR"`, "OR", "")
	f("CREATE TABLE t (b AS a + )", `1:26: expected an expression, found ")"`, ")", "")
	f("SELECT 1\nSELECT 2", `2:1: unexpected "SELECT"`, "SELECT", "if a new statement starts here, end the one before with ;")
	f("SELECT TRIM(BOTH s)", `1:19: expected FROM, found ")"`, ")", "")
	f("SELECT 1; SELECT 2", "1:11: expected one statement, found another", "SELECT", "")

	// lexical
	f(`SELECT "abc" FROM t`, "1:8: double quotes mean nothing in this dialect", `"abc"`, "use `abc` for a name, 'abc' for a string")
	f("SELECT # FROM t", `1:8: unexpected "#"`, "#", "comments start with -- or stand between /* and */")
	f("SELECT 'abc\nFROM t", "1:8: this string has no end", "'abc", "close it with '")
	f("SELECT 1a FROM t", `1:8: "1a" is neither a number nor a name`, "1a", "a name that starts with a digit needs backticks: `1a`")
	f("SELECT ‘a’", "1:8: unexpected character '‘'", "‘", "this is a typographic quote: use ' for strings and ` for names")
	f("SELECT 1 /* x", "1:10: this comment has no end", "/* x", "close it with */")
	f("SELECT /*+ A(b) 1", "1:8: this hint has no end", "/*+", "close it with */")
	f("SELECT U&'\\26' FROM t", "1:8: the string ends inside a code point", `U&'\26'`, "")

	// reserved words
	f("SELECT a AS select FROM t", `1:13: expected an alias, found "select"`, "select", "a keyword used as a name needs backticks: `select`")
	f("SELECT order FROM t", `1:8: expected an expression, found "order"`, "order", "a keyword used as a name needs backticks: `order`")

}

// TestErrorsOfHabit: what is right in other dialects, and joins and operators that have no meaning.
func TestErrorsOfHabit(t *testing.T) {
	f := wantError(t)
	f("SELECT a FROM t WHERE a == 1", `1:26: expected an expression, found "="`, "=", "equality is a single =")
	f("SELECT TOP 10 a FROM t", `1:12: unexpected "10"`, "10", "write LIMIT 10 at the end of the query")
	f("SELECT a FROM t LIMIT 1, 2", "1:24: LIMIT takes one number", ",", "write LIMIT n OFFSET m")
	f("SELECT a FROM t MINUS SELECT b FROM u", "1:17: MINUS is not a set operation here", "MINUS", "use EXCEPT")
	f("INSERT INTO 't' SELECT 1", "1:13: expected a table name, found 't'", "'t'", "a name stands bare or in `backticks`, not in single quotes")
	f("CREATE TABLE t (a INT) WITH (connector = 'x')", `1:30: expected the name of an option in single quotes, found "connector"`, "connector", "put it in single quotes: 'connector'")
	f("SELECT STREAM a FROM t", "1:8: SELECT STREAM belongs to the legacy Kinesis Analytics SQL", "STREAM", "leave out STREAM: every SELECT over a stream is continuous")
	f("CREATE OR REPLACE STREAM s (a INT)", "1:19: CREATE STREAM belongs to the legacy Kinesis Analytics SQL", "STREAM",
		"use CREATE TABLE with 'connector' = 'kinesis' for a stream, CREATE VIEW for a step in between")
	f("CREATE PUMP p AS INSERT INTO s SELECT STREAM a FROM t", "1:8: CREATE PUMP belongs to the legacy Kinesis Analytics SQL", "PUMP",
		"use INSERT INTO table SELECT ..: it runs as a continuous job")

	// joins and operators
	f("SELECT a FROM t JOIN u WHERE a = 1", "1:17: this JOIN has no condition", "JOIN", "add ON condition or USING (columns), or say CROSS JOIN")
	f("SELECT a FROM t FULL OUTER JOIN u", "1:17: this JOIN has no condition", "FULL OUTER JOIN", "add ON condition or USING (columns), or say CROSS JOIN")
	f("SELECT a FROM t CROSS JOIN u ON b", "1:30: a CROSS JOIN has no condition", "ON", "leave the condition out, or say JOIN without CROSS")
	f("SELECT a LIKE 'x' LIKE 'y' FROM t", "1:19: LIKE cannot follow LIKE", "LIKE", "say with parentheses which comes first")
	f("SELECT a LIKE b ESCAPE c || d FROM t", `1:26: unexpected "||" after ESCAPE`, "||", "say with parentheses what is meant")
	f("SELECT a IS NULL * 2 FROM t", `1:18: unexpected "*" after IS`, "*", "say with parentheses what is meant")
	f("SELECT a = NOT b FROM t", `1:12: unexpected "NOT"`, "NOT", "put NOT and its operand in parentheses")
	f("SELECT a FROM t WHERE a IN 1, 2", `1:28: expected "(" after IN, found "1"`, "1", "put the values in parentheses")
	f("SELECT a FROM t WHERE a IS 1", `1:28: expected NULL, TRUE, FALSE or DISTINCT FROM after IS, found "1"`, "1", "use = to compare with a value")
	f("SELECT MAP['a'] FROM t", "1:8: a MAP has as many values as keys", "MAP['a']", "write MAP[key, value, ..]")
	f("SELECT * FROM TABLE(t)", `1:21: expected a table function, found "t"`, "t", "for a table write FROM t")
	f("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A++) DEFINE A AS TRUE)", "1:45: a second quantifier", "+", "put the part before it in parentheses")
	f("WITH a AS (SELECT 1) (WITH b AS (SELECT 2) SELECT * FROM a, b)", `1:28: "b" cannot be combined with what is around it`, "b",
		"put it in a query of its own, with WITH or a view")
}

// TestErrorText: the whole rendering, with tabs, wide characters and a file name.
func TestErrorText(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		_, err := ParseStatement(src)
		if err == nil || err.Error() != want {
			t.Errorf("got\n%v\nwant\n%s", err, want)
		}
	}
	f("SELECT a\n\t, b FORM t", "2:6: unexpected \"FORM\"\n  \t, b FORM t\n  \t    ~~~~\n  hint: did you mean FROM?")
	f("SELECT '日本', ", "1:13: expected an expression, found the end of the statement\n  SELECT '日本',\n                ^\n  hint: there is a comma too many before it")
	f("SELECT "+strings.Repeat("a, ", 100)+" FROM", `1:309: expected an expression, found "FROM"`+"\n  ..."+
		strings.Repeat(" a,", 26)+"  FROM\n  "+strings.Repeat(" ", 83)+"~~~~\n  hint: there is a comma too many before it")
	e := &Error{Pos: 7, Len: 1, Msg: "no column \"x\"", Hint: "there is \"y\""}
	want := "job.sql:1:8: no column \"x\"\n  SELECT x\n         ^\n  hint: there is \"y\""
	if got := e.WithSource("job.sql", "SELECT x").Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Errorf(&ast.Ident{}, "bad %d", 1).WithHint("try %d", 2).Error(); got != "bad 1\n  hint: try 2" {
		t.Errorf("got %s", got)
	}
}

// TestErrorList: one error a bad statement, the good ones are parsed, the list is bounded.
func TestErrorList(t *testing.T) {
	stmts, err := Parse("SELECT 1; SELECT ; SELECT 2; SELECT a FORM t; SHOW JOBS")
	var list *ErrorList
	if !errors.As(err, &list) || len(list.Errors) != 2 || len(stmts) != 3 {
		t.Fatalf("%d statements, error %v", len(stmts), err)
	}
	if line, col := list.Errors[1].Position(); line != 1 || col != 39 {
		t.Errorf("second error at %d:%d", line, col)
	}
	_, err = Parse(strings.Repeat("SELECT;", 15))
	if !errors.As(err, &list) || len(list.Errors) != 10 || list.More != 5 || !strings.HasSuffix(err.Error(), "... and 5 more") {
		t.Errorf("error %v", err)
	}
	if stmts, err := Parse(" -- nothing\n;;"); len(stmts) != 0 || err != nil {
		t.Errorf("%d statements, error %v", len(stmts), err)
	}
}

// TestNearest: which names are near enough to be meant.
func TestNearest(t *testing.T) {
	f := func(name, want string, candidates ...string) {
		t.Helper()
		if got := Nearest(name, candidates); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	f("sensor_di", "sensor_id", "status", "sensor_id", "sensor")
	f("STATUS", "status", "statue", "status")
	f("temprature", "temperature", "temper", "temperature")
	f("x", "", "y")
	f("heat", "", "bike_id")
}
