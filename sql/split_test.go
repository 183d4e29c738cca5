package sql

import (
	"strings"
	"testing"
)

// TestSplit: where statements end.
func TestSplit(t *testing.T) {
	f := func(script string, complete bool, want ...string) {
		t.Helper()
		pieces := Split(script)
		var got []string
		for i, p := range pieces {
			got = append(got, p.Text)
			if script[p.Start:p.End] != p.Text {
				t.Errorf("%q: the text of piece %d is not at %d", script, i, p.Start)
			}
			if last := i == len(pieces)-1; p.Terminated != (complete || !last) {
				t.Errorf("%q: piece %d terminated %v", script, i, p.Terminated)
			}
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q:\n got %q\nwant %q", script, got, want)
		}
	}
	f("", true)
	f(" -- only a comment", true)
	f("SELECT 1", false, "SELECT 1")
	f("SELECT 1;", true, "SELECT 1")
	f("-- a;\n SELECT ';' /* ; */; ;; SELECT `;`", false, "SELECT ';'", "SELECT `;`")
	f("SELECT 'a; SELECT 2;", false, "SELECT 'a; SELECT 2;")
	f("SELECT /* a; SELECT 2;", false, "SELECT /* a; SELECT 2;")
	f("STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN b THEN c END; INSERT INTO b SELECT 1; END; SELECT 1;", true,
		"STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN b THEN c END; INSERT INTO b SELECT 1; END", "SELECT 1")
	f("EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END", false, "EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END")
	f("BEGIN STATEMENT SET; INSERT INTO a SELECT 1;", false, "BEGIN STATEMENT SET; INSERT INTO a SELECT 1;")
	f("BEGIN STATEMENT SET; END; SELECT 2;", true, "BEGIN STATEMENT SET; END", "SELECT 2")
	f("SELECT statement, set FROM t; SELECT 2;", true, "SELECT statement, set FROM t", "SELECT 2")
}

// TestTokens: tokens with comments, for highlighting.
func TestTokens(t *testing.T) {
	const src = "SELECT a.`b``c`, 'x''y', .5e-3 -- end\n/*+ A */ U&'\\1' x'00' >= \"q\" \xff"
	var got []string
	for _, tok := range Tokens(src) {
		kind := [...]string{"eof", "word", "quoted", "string", "binary", "number", "symbol", "hint", "/hint", "comment", "bad"}[tok.Kind]
		got = append(got, kind+":"+tok.Text(src))
	}
	want := "word:SELECT|word:a|symbol:.|quoted:`b``c`|symbol:,|string:'x''y'|symbol:,|number:.5e-3|comment:-- end|hint:/*+|word:A|/hint:*/|" +
		"string:U&'\\1'|binary:x'00'|symbol:>=|bad:\"q\"|bad:\xff|eof:"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	for _, w := range []string{"select", "Watermark", "DESCRIBE"} {
		if !IsKeyword(w) {
			t.Errorf("%s is a keyword", w)
		}
	}
	if IsKeyword("bike_id") || IsKeyword("") {
		t.Error("bike_id is no keyword")
	}
	if k := Keywords(); len(k) < 100 || k[0] != "ADD" {
		t.Errorf("keywords %v", k)
	}
}
