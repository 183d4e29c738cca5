package faker

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
)

var clock = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func source(cols types.Schema, pairs ...string) (connectors.Source, error) {
	c := new(config)
	values := map[string]option.Value{"rows-per-second": {Text: "1e12"}}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = option.Value{Text: pairs[i+1]}
	}
	if _, err := option.Decode(values, c); err != nil {
		return nil, err
	}
	ticks := 0
	tick := func() time.Time { ticks++; return clock.Add(time.Duration(ticks) * time.Microsecond) }
	env := &connectors.Env{Now: tick, Random: func() uint64 { return 7 }, Zone: time.UTC}
	return c.Source(&connectors.TableDesc{Name: "t", Columns: cols}, connectors.Scan{Columns: cols}, env)
}

func rows(t *testing.T, src connectors.Source, from connectors.Offset, max, stop int) (out []string, last connectors.Offset) {
	t.Helper()
	r, err := src.Read(context.Background(), connectors.Split{}, from)
	if err != nil {
		t.Fatal(err)
	}
	for len(out) < stop {
		b, off, err := r.(connectors.BatchReader).NextBatch(context.Background(), max)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			continue
		}
		last = off
		for i := range b.Len() {
			var parts []string
			for c := range int(b.Rows.NumCols()) {
				parts = append(parts, b.Col(c).ValueStr(i))
			}
			out = append(out, strings.Join(parts, "|"))
		}
	}
	return out, last
}

func TestExpressions(t *testing.T) {
	check := func(typ types.Type, expression, want string) {
		t.Helper()
		src, err := source(types.Schema{{Name: "x", Type: typ}}, "fields.x.expression", expression, "number-of-rows", "50")
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			return
		}
		got, _ := rows(t, src, nil, 100, 100)
		seen := map[string]bool{}
		for _, g := range got {
			seen[g] = true
			if !regexp.MustCompile("^(" + want + ")$").MatchString(g) {
				t.Errorf("%s gave %q, want %s", expression, g, want)
				return
			}
		}
		if len(got) != 50 || len(seen) < 2 && strings.Contains(expression, "#{") {
			t.Errorf("%s: %d rows, %d different", expression, len(got), len(seen))
		}
	}
	check(types.IntType, "#{number.numberBetween '1','4'}", "[123]")
	check(types.StringType, "#{number.number_between '1','100'} C", `\d\d? C`)
	check(types.StringType, "#{regexify '(OK|WARNING|ERROR){1}'}", "OK|WARNING|ERROR")
	check(types.StringType, "#{Options.option 'a','it''s'}", "a|it's")
	check(types.StringType, "id-#{numerify '##'}-#{letterify '??'}-#{bothify '#?'}", `id-\d\d-[a-z][a-z]-\d[a-z]`)
	check(types.TimestampType(3), "#{date.past '15','SECONDS'}", `2024-05-01T(11:59:[45]\d(\.\d+)?|12:00:00)`)
	check(types.LTZType(3), "#{date.past '15','5','SECONDS'}", `2024-05-01T11:59:(4[45]|[45]\d)(\.\d+)?Z`)
	check(types.StringType, "#{date.future '1','HOURS'}", `2024-05-01 1[23]:\d\d:\d\d\.\d{3}`)
	check(types.DateType, "#{date.birthday '20','30'}", `199\d-.*|200\d-.*`)
	check(types.DoubleType, "#{number.randomDouble '2','-1','1'}", `-?[01](\.\d\d?)?`)
	check(types.DecimalType(5, 2), "#{commerce.price}", `\d+(\.\d\d?)?`)
	check(types.BooleanType, "#{Bool.bool}", "true|false")
	check(types.StringType, "#{Name.firstName} #{Name.lastName}", `.+ .+`)
	check(types.StringType, "plain", "plain")
}

// TestAllFunctions draws from every directive.
func TestAllFunctions(t *testing.T) {
	r := &rng{state: 1}
	e := &env{f: gofakeit.NewFaker(r, false), rng: r, now: clock}
	args := map[string][]string{"regexify": {"[a-c]{3}"}, "date.between": {"2024-01-01", "2024-01-02 10:00:00"}, "date.past": {"5", "DAYS"}, "date.future": {"5", "DAYS"}}
	for _, f := range Functions() {
		a := args[f.Name]
		for len(a) < f.minArgs {
			a = append(a, fmt.Sprint(len(a)+1))
		}
		c, err := bind(f.Name, a)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if got := c(e, nil); len(got) == 0 || len(f.Doc) == 0 {
			t.Errorf("%s gave nothing", f.Name)
		}
	}
}

func TestNestedAndResume(t *testing.T) {
	cols := types.Schema{
		{Name: "a", Type: types.ArrayType(types.IntType)},
		{Name: "m", Type: types.MapType(types.StringType, types.IntType)},
		{Name: "r", Type: types.RowType(types.Field{Name: "x", Type: types.StringType}, types.Field{Name: "y", Type: types.DoubleType})},
		{Name: "s", Type: types.StringType},
	}
	src, err := source(cols, "number-of-rows", "20", "fields.a.expression", "#{number.numberBetween '1','100'}", "fields.a.length", "3",
		"fields.m.key.expression", "#{lorem.characters '5'}", "fields.m.value.expression", "#{number.randomDigit}", "fields.r.x.expression", "#{name.firstName}",
		"fields.r.y.expression", "#{number.randomDouble '1','0','9'}", "fields.s.expression", "#{internet.uuid}", "fields.s.null-rate", "0.5")
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := rows(t, src, nil, 100, 100)
	part, off := rows(t, src, nil, 3, 6)
	rest, _ := rows(t, src, off, 5, 100)
	if got := append(part, rest...); len(whole) != 20 || strings.Join(got, "\n") != strings.Join(whole, "\n") {
		t.Errorf("in parts\n%s\nwhole\n%s", strings.Join(got, "\n"), strings.Join(whole, "\n"))
	}
	if !regexp.MustCompile(`^\[\d+,\d+,\d+\]\|\[\{"key":(?:\{"key":)?"\w{5}"\}?,"value":\d\}\]\|\{"x":"\w+","y":[\d.]+\}\|`).MatchString(whole[0]) {
		t.Errorf("row %s", whole[0])
	}
	if n := strings.Count(strings.Join(whole, "\n"), "(null)"); n < 3 || n > 17 {
		t.Errorf("%d of 20 are NULL at a rate of a half", n)
	}
}

func TestMistakes(t *testing.T) {
	cols := types.Schema{{Name: "x", Type: types.IntType}}
	for expression, want := range map[string]string{
		"#{number.numberBetwen '1','2'}":  `there is no #{number.numberBetwen}; did you mean "number.numberBetween"?`,
		"#{number.numberBetween '1'}":     `#{number.numberBetween} has 1 arguments; it is written #{number.numberBetween 'min','max'}`,
		"#{number.numberBetween '5','1'}": "#{number.numberBetween}: 5 is larger than 1",
		"#{date.past '5','FORTNIGHTS'}":   `#{date.past}: "FORTNIGHTS" is no unit of time; there are SECONDS, MINUTES, HOURS, DAYS and MILLISECONDS`,
		"#{regexify '['}":                 "#{regexify}: \"[\" is no regular expression that can be made up: error parsing regexp: missing closing ]: `[`",
		"#{name.firstName":                `"#{name.firstName" has no closing brace`,
		"#{options.option 'a}":            `the argument "'a}" has no closing quote`,
		"#{options.option a}":             `expected an argument in quotes or '}', found "a}"`,
	} {
		_, err := source(cols, "fields.x.expression", expression)
		if err == nil || err.Error() != `option "fields.x.expression": `+want {
			t.Errorf("%s:\n got %v\nwant %s", expression, err, want)
		}
	}
	if _, err := source(cols); err == nil || err.Error() != `column "x" has no expression; add 'fields.x.expression' = '#{...}'` {
		t.Error(err)
	}
}
