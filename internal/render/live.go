package render

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// Live is the current rows of a query's changing table, for a screen that is drawn again and again.
// When the table is larger than Options.MaxRows, an append-only query keeps its newest rows.
type Live struct {
	fold   *fold
	schema types.Schema
	o      Options
	widths []int
}

// NewLive makes an empty table.
func NewLive(schema types.Schema, o Options) *Live {
	if o.MaxRows == 0 {
		o.MaxRows = 1_000_000
	}
	if o.MaxWidth == 0 {
		o.MaxWidth = 30
	}
	l := &Live{fold: newFold(schema, o.MaxRows), schema: schema, o: o}
	l.fold.forget = o.Append
	for _, c := range schema {
		l.widths = append(l.widths, runewidth.StringWidth(c.Name))
	}
	return l
}

// Write applies the next changes.
func (l *Live) Write(b *vec.Batch) error { return l.fold.apply(b) }

// Len is the number of rows.
func (l *Live) Len() int { return len(l.fold.rows) - l.fold.dead }

// Page gives the header and rows [from, from+n) as lines of at most width characters.
func (l *Live) Page(from, n, width int) []string {
	l.fold.compact()
	var cells [][]string
	for i := from; i < min(from+n, len(l.fold.rows)); i++ {
		r := l.fold.rows[i]
		row := make([]string, len(l.schema))
		for c, col := range l.schema {
			row[c] = "<NULL>"
			if !r.b.Col(c).IsNull(r.i) {
				row[c] = clip(string(fn.AppendText(nil, col.Type, r.b.Col(c), r.i, l.o.Zone)), l.o.MaxWidth)
			}
			l.widths[c] = max(l.widths[c], runewidth.StringWidth(row[c]))
		}
		cells = append(cells, row)
	}
	lines := []string{l.line(l.schema.Names())}
	lines = append(lines, strings.Repeat("-", min(runewidth.StringWidth(lines[0]), width)))
	for _, row := range cells {
		lines = append(lines, l.line(row))
	}
	return lines
}

func (l *Live) line(cells []string) string {
	var b strings.Builder
	for i, c := range cells {
		pad := strings.Repeat(" ", l.widths[i]-runewidth.StringWidth(c))
		if k := l.schema[i].Type; k.IsNumeric() {
			c, pad = pad, c
		}
		b.WriteString(" " + c + pad + " ")
	}
	return b.String()
}
