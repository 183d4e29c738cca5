package option

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

type inner struct {
	strict bool
	mode   string
}

func (c *inner) Options(o *Set) {
	o.Bool(&c.strict, "strict", false, "Be strict.")
	o.Enum(&c.mode, "mode", "FAIL", []string{"FAIL", "DROP"}, "What to do.")
}

type conf struct {
	path, key string
	n         int
	wait      time.Duration
	size      int64
	kinds     map[string]string
	props     map[string]string
	format    Config
	list      []string
	at        time.Time
	rate      float64
}

func (c *conf) Options(o *Set) {
	o.String(&c.path, "path", "", "Where the files are.").Must()
	o.String(&c.key, "secret.key", "", "A key.").Secret()
	o.Int(&c.n, "count", 7, "How many.").Range(0, 10).Alias("scan.count")
	o.Duration(&c.wait, "wait", time.Second, "How long.")
	o.Memory(&c.size, "size", 1<<20, "How big.")
	o.Map(&c.kinds, "fields.#.kind", "Kinds.")
	o.Map(&c.props, "properties.*", "Properties.")
	o.StringList(&c.list, "list", nil, "Names.")
	o.Timestamp(&c.at, "at", "When.")
	o.Double(&c.rate, "rate", 0.5, "How often.")
	o.Unused("sink.parallelism", "the job's parallelism holds for sinks.")
	o.Choose("format", []Choice{{"in", "Inner.", func() Config { return new(inner) }}}, func(x Config) { c.format = x }, "The format.").Alias("value.format")
}

func decode(pairs ...string) (*conf, []Note, error) {
	c := new(conf)
	values := map[string]Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = Value{Text: pairs[i+1], KeyPos: 10 * i, ValuePos: 10*i + 5}
	}
	notes, err := Decode(values, c)
	return c, notes, err
}

func TestDecode(t *testing.T) {
	c, notes, err := decode("path", "/x", "scan.count", "9", "wait", "2 min", "size", "64kb", "fields.a.b.kind", "random", "properties.x.y", "1",
		"format", "in", "in.strict", "TRUE", "in.mode", "drop", "sink.parallelism", "3", "list", "a; b", "at", "2024-05-01T12:00:00Z", "rate", "1.5")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.path, c.n, c.wait, c.size, c.kinds, c.props, c.format.(*inner).strict, c.format.(*inner).mode, c.list, c.at.Unix(), c.rate)
	if want := "/x9 2m0s 65536 map[a.b:random] map[x.y:1] true DROP [a b] 1714564800 1.5"; strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(notes) != 1 || notes[0].Msg != `option "sink.parallelism" has no effect: the job's parallelism holds for sinks.` {
		t.Errorf("notes %v", notes)
	}
}

func TestDecodeErrors(t *testing.T) {
	bad := func(want string, pairs ...string) {
		t.Helper()
		_, _, err := decode(pairs...)
		if err == nil || err.Error() != want {
			t.Errorf("%v:\n got %v\nwant %s", pairs, err, want)
		}
	}
	bad(`option "path" is missing: where the files are; add 'path' = '...'`)
	bad(`option "paht" is not known; did you mean "path"?`, "path", "x", "paht", "y")
	bad(`option "count": '11' is not between 0 and 10`, "path", "x", "count", "11")
	bad(`option "count": 'many' is not a whole number`, "path", "x", "count", "many")
	bad(`option "wait": '5 parsecs' is not a duration; write a number and a unit, as '5 s', '1 min' or '250 ms'`, "path", "x", "wait", "5 parsecs")
	bad(`format "inn" is not known; there are 'in'; did you mean "in"?`, "path", "x", "format", "inn", "inn.strict", "true")
	bad(`option "in.mode": 'drip' is none of 'FAIL', 'DROP'; did you mean "DROP"?`, "path", "x", "format", "in", "in.mode", "drip")
	bad(`option "in.strict" is not known`, "path", "x", "in.strict", "true")
	bad(`options "count" and "scan.count" are two spellings of the same; remove one of them`, "path", "x", "count", "1", "scan.count", "2")
	bad("option \"path\" is missing: where the files are; add 'path' = '...'\noption \"rate\": 'x' is not a number", "rate", "x")
}

func TestValueFormatPrefix(t *testing.T) {
	c, _, err := decode("path", "x", "value.format", "in", "value.in.strict", "true")
	if err != nil || !c.format.(*inner).strict {
		t.Fatal(c.format, err)
	}
}

func TestPositions(t *testing.T) {
	_, _, err := decode("path", "x", "zzzzzzzzzzz", "y", "count", "q")
	var got []int
	for _, e := range err.(Errors) {
		got = append(got, e.Pos)
	}
	if fmt.Sprint(got) != "[20 45]" {
		t.Errorf("positions %v: want the unknown key's, then the bad value's", got)
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"5 s": 5 * time.Second, "1min": time.Minute, "250 ms": 250 * time.Millisecond, "PT5S": 5 * time.Second, "pt1h30m": 90 * time.Minute,
		"10": 10 * time.Millisecond, "2 Days": 48 * time.Hour, "P1DT1S": 24*time.Hour + time.Second, "3 µs": 3 * time.Microsecond, "0s": 0,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "s", "-5 s", "5 x", "PT", "P", "PT5Q", "99999999999 d", "1.5 s"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

func TestSecretsStaySecret(t *testing.T) {
	c := new(conf)
	if s := Secrets(map[string]Value{"secret.key": {}, "path": {}}, c); !s["secret.key"] || s["path"] {
		t.Errorf("secrets %v", s)
	}
}

func TestFormat(t *testing.T) {
	if got := FormatDuration(90*time.Second) + FormatDuration(0) + FormatMemory(1<<20) + FormatMemory(1000); got != "90 s0 ms1 mb1000 b" {
		t.Error(got)
	}
}
