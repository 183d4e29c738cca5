package sql

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/sql/ast"
)

// FuzzParse: any text is parsed or refused with a place inside it, in bounded time, and what is parsed prints to
// a text of the same tree.
func FuzzParse(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s)
	}
	for _, s := range []string{"SELECT INTERVAL '1' DAY(", "SELECT ((((", "/*+", "SELECT a[", "U&'\\", "BEGIN STATEMENT SET; INSERT", "EXPLAIN A", "SELECT 0 .A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 10000 {
			return
		}
		done := make(chan struct{})
		timer := time.AfterFunc(5*time.Second, func() {
			select {
			case <-done:
			default:
				panic("too slow: " + src)
			}
		})
		defer timer.Stop()
		defer close(done)
		checkParse(t, src)
	})
}

func checkParse(t *testing.T, src string) {
	Tokens(src)
	stmts, err := Parse(src)
	if err != nil {
		if text := err.Error(); strings.Contains(text, "near \"") || strings.Contains(text, "SQL syntax") {
			t.Fatalf("%q: text of the grammar's own: %s", src, text)
		}
		for _, e := range allErrors(err) {
			if e.Pos < 0 || e.Pos > len(src) || e.Pos+e.Len > len(src) {
				t.Fatalf("%q: the error %q is at %d+%d", src, e.Msg, e.Pos, e.Len)
			}
		}
	}
	for _, s := range stmts {
		text := Print(s)
		again, err := ParseStatement(text)
		if err != nil {
			t.Fatalf("%q\nprinted as\n%s\n%v", src, text, err)
		}
		if !reflect.DeepEqual(withoutSpans(s), withoutSpans(again)) {
			t.Fatalf("%q\nprinted as\n%s\nis another tree", src, text)
		}
		ast.Walk(s, func(n ast.Node) bool {
			if n == nil || reflect.ValueOf(n).IsNil() {
				t.Fatalf("%q: a nil node", src)
			}
			return true
		})
	}
}

func allErrors(err error) []*Error {
	var list *ErrorList
	if errors.As(err, &list) {
		return list.Errors
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}
