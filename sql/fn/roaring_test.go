package fn

import (
	"encoding/hex"
	"testing"
)

func TestBitmapFormat(t *testing.T) {
	f := func(want string, values ...uint32) {
		t.Helper()
		got := appendBitmap(nil, values)
		if h := hex.EncodeToString(got); want != "" && h != want {
			t.Errorf("%v: want %s, got %s", values, want, h)
		}
		back, err := readBitmap(got)
		if err != nil || len(back) != len(values) {
			t.Fatalf("%d values came back as %d, %v", len(values), len(back), err)
		}
		for i := range back {
			if back[i] != values[i] {
				t.Fatalf("value %d came back as %d", values[i], back[i])
			}
		}
		for n := range min(len(got), 64) {
			if set, err := readBitmap(got[:n]); err == nil && len(set) == len(values) && n < len(got) {
				t.Errorf("%d of %d bytes read as all of %v", n, len(got), values)
			}
		}
	}
	f("3a300000010000000000020010000000010002000500", 1, 2, 5)
	f("3b3001000100000400010000000100010004007011", 1, 2, 3, 4, 5, 70000)
	f("3a30000000000000")
	var many []uint32
	for v := uint32(0); v < 30000; v += 3 {
		many = append(many, v)
	}
	f("", append(many, 1<<31, 1<<32-1)...)
}

// TestSeek compares following a path while reading with reading first.
func TestSeek(t *testing.T) {
	docs := []string{`{"a":1,"b":[1,{"c":"x"}],"a":{"d":2}}`, `[]`, `[[1],[2,3]]`, `{"a":[}`, `{"b":[1,{"c":"x"}]} rest`, `"a"`, `{"a":{"d":[0,1.50]}}`, `{"a":01}`, ``, `{"a":"\u00e9"}`, `{"a":1`}
	for _, d := range docs {
		for _, path := range []string{"$", "$.a", "$.a.d", "$.b[1].c", "$[0]", "$[1][1]", "$.a.d[1]", "$.zz"} {
			p, err := parsePath(path)
			if err != nil {
				t.Fatal(err)
			}
			show := func(v *jsonValue, err error) string {
				if err != nil {
					return "error"
				}
				return string(appendJSON(nil, v))
			}
			root, err := parseJSON(d)
			want := "error"
			if err == nil {
				want = show(p.eval(root))
			}
			if got := show(p.find(d)); got != want {
				t.Errorf("%s of %s: want %s, got %s", path, d, want, got)
			}
		}
	}
}
