package repl

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStdin(t *testing.T) {
	f := func(chunks []string, want string) {
		t.Helper()
		r, w := io.Pipe()
		go func() {
			for _, c := range chunks {
				_, _ = w.Write([]byte(c))
			}
			w.Close()
		}()
		got, err := io.ReadAll(&stdin{in: r})
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", chunks, got, err, want)
		}
	}
	f([]string{"SELECT 1;\r"}, "SELECT 1;\r")
	f([]string{"\x1b[200~SELECT\ta,\r\tb\x1b[201~\t"}, "SELECT    a,\r    b\t")
	f([]string{"\x1b[20", "0~a\tb\x1b[2", "01~c"}, "a    bc")
	f([]string{"x\x1b[1~y\x1b[4~z\x1b[1;5D\x1b[1;5C"}, "x\x01y\x05z\x1bb\x1bf")
	f([]string{"\x1b", "b"}, "\x1bb")
	f([]string{"\x1b[A"}, "\x1b[A")
}

func TestOneLine(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := oneLine(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("SELECT 1,\n\t2", "SELECT 1,  2")
	f("SELECT 'a\nb'", "SELECT 'a\nb'")
	f("SELECT 1 -- one */ x\n, 2", "SELECT 1 /* one * / x */ , 2")
	f("SELECT '--' || `-- x`", "SELECT '--' || `-- x`")
	f("SELECT 1 -- end", "SELECT 1 /* end */")
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "history")
	h := openHistory(path)
	h.add("SELECT 1;\nSELECT 2;")
	h.add("SELECT 1;\nSELECT 2;")
	if h.add("CREATE TABLE t (a INT) WITH ('aws.credentials.basic.secretkey' = 'hush')") {
		t.Error("a statement with a secret was kept")
	}
	again := openHistory(path)
	if len(again.items) != 1 || again.items[0] != "SELECT 1;\nSELECT 2;" {
		t.Errorf("got %q", again.items)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(path)
	if strings.Contains(string(text), "hush") {
		t.Error("the secret is in the file")
	}
}
