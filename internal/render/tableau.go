package render

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// tableau prints changes as they come, in columns whose widths follow from the types.
type tableau struct {
	out    *bufio.Writer
	schema types.Schema
	o      Options
	widths []int
	rows   int
	begun  bool
}

func newTableau(out *bufio.Writer, schema types.Schema, o Options) *tableau {
	t := &tableau{out: out, schema: schema, o: o}
	for _, c := range schema {
		t.widths = append(t.widths, max(runewidth.StringWidth(c.Name), min(typeWidth(c.Type, o.MaxWidth), o.MaxWidth)))
	}
	return t
}

// typeWidth is the widest text a value of the type has, or the limit where there is none.
func typeWidth(t types.Type, limit int) int {
	switch t.Kind {
	case types.Boolean:
		return 7
	case types.TinyInt:
		return 6
	case types.SmallInt:
		return 7
	case types.Int:
		return 11
	case types.BigInt:
		return 20
	case types.Decimal:
		return t.Prec + 2
	case types.Date:
		return 10
	case types.Time0:
		return 8
	case types.Timestamp, types.TimestampLTZ:
		if t.Prec == 0 {
			return 19
		}
		return 20 + t.Prec
	case types.Char:
		return t.Length
	}
	return limit
}

func (t *tableau) rule() {
	t.out.WriteString("+----+")
	for _, w := range t.widths {
		t.out.WriteString(strings.Repeat("-", w+2) + "+")
	}
	t.out.WriteByte('\n')
}

func (t *tableau) line(op string, cell func(i int) string) {
	t.out.WriteString("| " + op + " |")
	for i, w := range t.widths {
		s := clip(cell(i), w)
		t.out.WriteString(strings.Repeat(" ", max(w-runewidth.StringWidth(s), 0)+1) + s + " |")
	}
	t.out.WriteByte('\n')
}

func (t *tableau) begin() {
	if t.begun {
		return
	}
	t.begun = true
	t.rule()
	t.line("op", func(i int) string { return t.schema[i].Name })
	t.rule()
}

func (t *tableau) Write(b *vec.Batch) error {
	t.begin()
	for i := 0; i < b.Len(); i++ {
		t.line(types.KindString(b.Kind(i)), func(c int) string {
			if b.Col(c).IsNull(i) {
				return t.o.Null
			}
			return string(fn.AppendText(nil, t.schema[c].Type, b.Col(c), i, t.o.Zone))
		})
	}
	t.rows += b.Len()
	return t.out.Flush()
}

func (t *tableau) Close(err error) error {
	t.begin()
	if t.rows > 0 {
		t.rule()
	}
	noun := "rows"
	if t.rows == 1 {
		noun = "row"
	}
	fmt.Fprintf(t.out, "Received a total of %d %s\n", t.rows, noun)
	return t.out.Flush()
}
