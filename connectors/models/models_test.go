package models

import (
	"testing"

	"weir/connectors/models/modelstest"
)

func TestPick(t *testing.T) {
	for _, c := range []struct{ body, path, want, fails string }{
		{`{"a": 1}`, "", `{"a": 1}`, ""},
		{`{"a": {"b": [10, {"c": null}]}}`, "$.a.b[1].c", `null`, ""},
		{`[[1, 2], [3]]`, "[0][1]", `2`, ""},
		{`{"a": [1]}`, "a[1]", "", `it has no "a.1"`},
		{`{"a": [1]}`, "a.b", "", `it has no "a.b"`},
		{`{"a": 1}`, "b", "", `it has no "b"`},
		{`{"a": 1}`, "a.b", "", "json: cannot unmarshal number into Go value of type map[string]json.RawMessage"},
		{`{"a": `, "a", "", "unexpected end of JSON input"},
		{`oops`, "", "", "it is no JSON"},
	} {
		got, err := Pick([]byte(c.body), c.path)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if string(got) != c.want && c.fails == "" || text != c.fails {
			t.Errorf("%s of %s: got %s, %q; want %s, %q", c.path, c.body, got, text, c.want, c.fails)
		}
	}
}

func TestUnfenced(t *testing.T) {
	for in, want := range map[string]string{" {} ": "{}", "```json\n{\"a\": 1}\n```\n": `{"a": 1}`, "```\n[1]\n```": "[1]", "`x`": "`x`"} {
		if got := unfenced(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestOutputs(t *testing.T) {
	s := modelstest.Says(t, 200, "")
	for _, c := range []struct{ columns, value, fails string }{
		{"a INT, b STRING", `{"b": "x", "c": 1}`, ""},
		{"a INT, b STRING", `[1, "x"]`, ""},
		{"a INT, b STRING", `[1]`, "it has 1 values for the 2 outputs a INT, b STRING"},
		{"a INT, b STRING", `7`, "it has 1 values for the 2 outputs a INT, b STRING"},
		{"v ARRAY<FLOAT>", `[1, 2]`, ""},
		{"v ARRAY<FLOAT>", `{"v": [1, 2]}`, ""},
	} {
		o, err := NewOutputs(modelstest.Columns(c.columns), s.Env())
		if err != nil {
			t.Fatal(err)
		}
		rows, text := o.Rows(), ""
		if err := rows.Value(3, []byte(c.value)); err != nil {
			text = err.Error()
		}
		b, of, err := rows.Batch()
		if err != nil || text != c.fails || text == "" && (b.Len() != 1 || of[0] != 3) {
			t.Errorf("%s: %v, %q, want %q", c.value, err, text, c.fails)
		}
	}
}
