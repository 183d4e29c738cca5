package render

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"weir/sql/fn"
)

// Cells prints a small result of texts, as SHOW and DESCRIBE give, in the format.
func Cells(format string, w io.Writer, columns []string, cells [][]string) error {
	out := bufio.NewWriter(w)
	switch strings.ToLower(format) {
	case "json", "changelog":
		for _, row := range cells {
			jsonRow(out, columns, row)
		}
	case "csv", "tsv":
		c := csv.NewWriter(out)
		if format == "tsv" {
			c.Comma = '\t'
		}
		_ = c.Write(columns) // errors stay in out and come back from Flush
		_ = c.WriteAll(cells)
	case "none":
	case "vertical":
		for _, row := range cells {
			for i, v := range row {
				fmt.Fprintf(out, "%20s: %s\n", columns[i], v)
			}
		}
	default:
		grid(out, strings.EqualFold(format, "markdown"), columns, cells)
	}
	return out.Flush()
}

func jsonRow(out *bufio.Writer, columns, row []string) {
	line := []byte{'{'}
	for i, v := range row {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(fn.AppendQuoted(line, columns[i]), ':')
		line = fn.AppendQuoted(line, v)
	}
	out.Write(append(line, '}', '\n'))
}

func grid(out io.Writer, markdown bool, columns []string, cells [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.Style().Format.Header = 0
	head := table.Row{}
	for _, c := range columns {
		head = append(head, c)
	}
	t.AppendHeader(head)
	for _, row := range cells {
		r := table.Row{}
		for _, v := range row {
			r = append(r, v)
		}
		t.AppendRow(r)
	}
	if markdown {
		t.RenderMarkdown()
		return
	}
	t.Render()
	fmt.Fprintln(out, rowCount(len(cells)))
}
