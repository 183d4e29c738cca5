package render

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mattn/go-runewidth"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// fold applies a changelog as a multiset of rows, in order of arrival.
type fold struct {
	schema types.Schema
	enc    *vec.KeyEncoder
	keys   vec.Keys
	rows   []foldRow
	where  map[string][]int // encoded row -> its places in rows, oldest first
	dead   int
	max    int
	forget bool // beyond max, drop the oldest rows instead of failing
}

type foldRow struct {
	b    *vec.Batch // nil: taken away
	i    int
	dead bool
}

func newFold(schema types.Schema, max int) *fold {
	all := make([]types.Type, len(schema))
	for i, c := range schema {
		all[i] = c.Type
	}
	return &fold{schema: schema, enc: vec.KeyOf(all...), where: map[string][]int{}, max: max}
}

// apply adds or takes away each row of the batch.
func (f *fold) apply(b *vec.Batch) error {
	cols := make([]vec.Vec, len(f.schema))
	for c := range cols {
		cols[c] = vec.ColVec(b.Col(c))
	}
	f.enc.Encode(&f.keys, cols, b.Len())
	for i := 0; i < b.Len(); i++ {
		key := string(f.keys.At(i))
		if types.Adds(b.Kind(i)) {
			if len(f.rows)-f.dead >= f.max && f.forget {
				f.rows[f.dead] = foldRow{dead: true} // append-only: the dead are all in front
				f.dead++
			} else if len(f.rows)-f.dead >= f.max {
				return fmt.Errorf("more than %d rows: use -o changelog, or raise 'sql-client.execution.max-table-result.rows'", f.max)
			}
			if !f.forget {
				f.where[key] = append(f.where[key], len(f.rows))
			}
			f.rows = append(f.rows, foldRow{b: b, i: i})
			continue
		}
		places := f.where[key]
		if len(places) == 0 {
			continue // a retraction of a row we never saw: the engine's sinks ignore it too
		}
		f.rows[places[0]] = foldRow{dead: true}
		f.dead++
		if f.where[key] = places[1:]; len(places) == 1 {
			delete(f.where, key)
		}
	}
	return nil
}

// compact takes the dead rows out.
func (f *fold) compact() {
	if f.dead == 0 {
		return
	}
	moved := make([]int, len(f.rows))
	live := f.rows[:0]
	for i, r := range f.rows {
		moved[i] = len(live)
		if !r.dead {
			live = append(live, r)
		}
	}
	clear(f.rows[len(live):])
	f.rows, f.dead = live, 0
	for _, places := range f.where {
		for i, p := range places {
			places[i] = moved[p]
		}
	}
}

func (f *fold) each(visit func(b *vec.Batch, i int) error) error {
	for _, r := range f.rows {
		if r.dead {
			continue
		}
		if err := visit(r.b, r.i); err != nil {
			return err
		}
	}
	return nil
}

// folded prints the final table when the query has ended.
type folded struct {
	format string
	out    *bufio.Writer
	schema types.Schema
	o      Options
	fold   *fold
	begun  bool
}

// Write keeps the rows; rows of an append-only query go out at once where the format allows it.
func (f *folded) Write(b *vec.Batch) error {
	if !f.o.Append || f.format == "table" || f.format == "markdown" {
		return f.fold.apply(b)
	}
	for i := 0; i < b.Len(); i++ {
		if err := f.row(b, i); err != nil {
			return err
		}
	}
	return f.out.Flush()
}

func (f *folded) Close(err error) error {
	if f.format == "table" || f.format == "markdown" {
		f.table()
		return f.out.Flush()
	}
	if !f.begun {
		f.header()
	}
	if e := f.fold.each(f.row); e != nil {
		return e
	}
	return f.out.Flush()
}

func (f *folded) header() {
	f.begun = true
	switch f.format {
	case "csv":
		f.fields(',', f.schema.Names())
	case "tsv":
		f.fields('\t', f.schema.Names())
	}
}

func (f *folded) fields(sep rune, values []string) {
	w := csv.NewWriter(f.out)
	w.Comma = sep
	_ = w.Write(values) // errors stay in f.out and come back from Flush
	w.Flush()
}

func (f *folded) text(b *vec.Batch, i, col int) string {
	if b.Col(col).IsNull(i) {
		return f.o.Null
	}
	return string(fn.AppendText(nil, f.schema[col].Type, b.Col(col), i, f.o.Zone))
}

func (f *folded) row(b *vec.Batch, i int) error {
	if !f.begun {
		f.header()
	}
	switch f.format {
	case "csv", "tsv":
		values := make([]string, len(f.schema))
		for c := range f.schema {
			if !b.Col(c).IsNull(i) {
				values[c] = f.text(b, i, c)
			}
		}
		f.fields(map[string]rune{"csv": ',', "tsv": '\t'}[f.format], values)
	case "vertical":
		f.vertical(b, i)
	default:
		line := []byte{'{'}
		for c, col := range f.schema {
			if c > 0 {
				line = append(line, ',')
			}
			line = append(fn.AppendQuoted(line, col.Name), ':')
			line = fn.AppendChangelogValue(line, col.Type, b.Col(c), i, f.o.Zone)
		}
		f.out.Write(append(line, '}', '\n'))
	}
	return nil
}

func (f *folded) vertical(b *vec.Batch, i int) {
	width := 0
	for _, c := range f.schema {
		width = max(width, runewidth.StringWidth(c.Name))
	}
	f.out.WriteString(strings.Repeat("-", width+12) + "\n")
	for c, col := range f.schema {
		f.out.WriteString(strings.Repeat(" ", width-runewidth.StringWidth(col.Name)) + col.Name + ": " + f.text(b, i, c) + "\n")
	}
}

func (f *folded) table() {
	t := table.NewWriter()
	t.SetOutputMirror(f.out)
	t.Style().Format.Header = 0
	head := table.Row{}
	for _, c := range f.schema {
		head = append(head, c.Name)
	}
	t.AppendHeader(head)
	n := 0
	_ = f.fold.each(func(b *vec.Batch, i int) error {
		row := table.Row{}
		for c := range f.schema {
			row = append(row, clip(f.text(b, i, c), f.o.MaxWidth))
		}
		t.AppendRow(row)
		n++
		return nil
	})
	if f.format == "markdown" {
		t.RenderMarkdown()
		return
	}
	t.Render()
	fmt.Fprintln(f.out, rowCount(n))
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// clip cuts a text that is wider than the column, as Flink's client does.
func clip(s string, width int) string {
	if runewidth.StringWidth(s) <= width || width < 4 {
		return s
	}
	return runewidth.Truncate(s, width, "...")
}
