// Package render writes the rows of a query for people and for programs: one Writer a format.
//
// Contract: a Writer is used by one goroutine. Rows arrive as batches of a changelog; the formats
// that show a table (table, vertical, markdown, csv, json) apply the changelog first, so they print
// when the query has ended. Values are spelled as CAST(... AS STRING) does, in the session's zone.
package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// Options say how rows are shown.
type Options struct {
	Zone     *time.Location
	MaxWidth int    // characters of a value at most, in table and tableau; 0: 30
	Null     string // how NULL is shown where it needs a word; default "<NULL>"
	Append   bool   // the query only inserts
	MaxRows  int    // rows that folding formats keep at most; 0: 1,000,000
}

// Writer shows the rows of one query.
type Writer interface {
	// Write takes the next rows.
	Write(b *vec.Batch) error
	// Close writes what is left, and flushes. err is why the query ended early, or nil.
	Close(err error) error
}

// Formats lists the formats' names, with what each is.
func Formats() [][2]string {
	return [][2]string{
		{"changelog", `one JSON line a change: {"op":"+I","row":{...}}`},
		{"json", "one JSON object a row; an updating query gives its final rows"},
		{"csv", "comma separated values with a header line"},
		{"tsv", "tab separated values with a header line"},
		{"table", "a table with borders, when the query has ended"},
		{"markdown", "a Markdown table"},
		{"vertical", "a line for each column of each row"},
		{"tableau", "changes as they come, in columns, as Flink's SQL client prints them"},
		{"none", "nothing"},
	}
}

// New makes the Writer of a format.
func New(format string, w io.Writer, schema types.Schema, o Options) (Writer, error) {
	if o.MaxWidth == 0 {
		o.MaxWidth = 30
	}
	if o.Null == "" {
		o.Null = "<NULL>"
	}
	if o.MaxRows == 0 {
		o.MaxRows = 1_000_000
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	out := bufio.NewWriterSize(w, 1<<16)
	switch strings.ToLower(format) {
	case "changelog":
		return &changelog{out: out, schema: schema, zone: o.Zone}, nil
	case "tableau":
		return newTableau(out, schema, o), nil
	case "none":
		return none{}, nil
	case "json", "csv", "tsv", "table", "markdown", "vertical":
		return &folded{format: strings.ToLower(format), out: out, schema: schema, o: o, fold: newFold(schema, o.MaxRows)}, nil
	}
	var names []string
	for _, f := range Formats() {
		names = append(names, f[0])
	}
	return nil, fmt.Errorf("there is no output format %q: use one of %s", format, strings.Join(names, ", "))
}

type none struct{}

func (none) Write(*vec.Batch) error { return nil }
func (none) Close(error) error      { return nil }

// changelog writes a JSON line a change, byte for byte as the reference launcher does.
type changelog struct {
	out    *bufio.Writer
	schema types.Schema
	zone   *time.Location
	buf    []byte
}

func (c *changelog) Write(b *vec.Batch) error {
	for i := 0; i < b.Len(); i++ {
		c.buf = append(c.buf[:0], `{"op":"`...)
		c.buf = append(c.buf, types.KindString(b.Kind(i))...)
		c.buf = append(c.buf, `","row":{`...)
		for j, col := range c.schema {
			if j > 0 {
				c.buf = append(c.buf, ',')
			}
			c.buf = fn.AppendQuoted(c.buf, col.Name)
			c.buf = append(c.buf, ':')
			c.buf = fn.AppendChangelogValue(c.buf, col.Type, b.Col(j), i, c.zone)
		}
		c.buf = append(c.buf, "}}\n"...)
		if _, err := c.out.Write(c.buf); err != nil {
			return err
		}
	}
	return c.out.Flush()
}

func (c *changelog) Close(error) error { return c.out.Flush() }
