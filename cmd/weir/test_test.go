package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTestCommand(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.test"), filepath.Join(dir, "sub", "bad.test")
	_ = os.Mkdir(filepath.Dir(bad), 0o777)
	query := "query\nSELECT a FROM (VALUES (1), (2)) AS t(a)\n----\nkind  a\n+I    1\n+I    "
	for path, text := range map[string]string{good: query + "2\n", bad: query + "3\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{good}, 0, []string{"ok", "good.test  1 blocks, 1 queries in "}},
		{[]string{"-seed", "7", "-parallel", "3", "-batch=1", "-crash", good + ":1"}, 0, []string{"in 2 runs"}},
		{[]string{dir, "-seed=5"}, 1, []string{"ok", "FAIL", "to replay: weir test -seed 5 -parallel 1 -batch 4096 " + bad + ":1"}},
		{[]string{"--rewrite", bad}, 0, []string{"rewritten"}},
		{[]string{dir}, 0, []string{"ok"}},
		{[]string{}, 2, nil},
		{[]string{"-nonsense", good}, 2, nil},
		{[]string{filepath.Join(dir, "none")}, 1, nil},
	} {
		cmd := testCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(c.args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.ExecuteContext(context.Background())
		code := 0
		var asked exitCode
		var usage usageError
		switch {
		case errors.As(err, &asked):
			code = int(asked)
		case errors.As(err, &usage):
			code = 2
		case err != nil:
			code = 1
		}
		if code != c.code {
			t.Errorf("%v: code %d, %v; want %d", c.args, code, err, c.code)
		}
		for _, w := range c.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%v: got %s, want %s", c.args, out.String(), w)
			}
		}
	}
}
