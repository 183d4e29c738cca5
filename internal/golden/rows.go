package golden

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// row is a change: its kind, then its values as they are written in a file.
type row []string

// rowsOf spells the rows of a batch.
func rowsOf(b *vec.Batch, schema types.Schema, zone *time.Location) []row {
	out := make([]row, b.Len())
	for i := range out {
		out[i] = append(make(row, 0, len(schema)+1), types.KindString(b.Kind(i)))
	}
	for c, col := range schema {
		a := b.Col(c)
		for i := range out {
			v := "NULL"
			if !a.IsNull(i) {
				v = quote(string(fn.AppendText(nil, col.Type, a, i, zone)))
			}
			out[i] = append(out[i], v)
		}
	}
	return out
}

// quote spells a value so that a line of values can be read back.
func quote(v string) string {
	if v == "" || v == "NULL" || v[0] == '"' || v[0] == ' ' || v[len(v)-1] == ' ' || strings.Contains(v, "  ") || strconv.Quote(v) != `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v)+`"` {
		return strconv.Quote(v)
	}
	return v
}

// cells reads a line of values.
func cells(line string) (row, error) {
	var out row
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] == '"' {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("a quote has no end: %s", line)
			}
			v, _ := strconv.Unquote(q) // QuotedPrefix made sure
			out, rest = append(out, quote(v)), rest[len(q):]
			continue
		}
		v, after, _ := strings.Cut(rest, "  ")
		out, rest = append(out, strings.TrimSpace(v)), after
	}
	return out, nil
}

// lines lays rows out in columns below their header.
func lines(header row, rows []row) []string {
	all := append([]row{header}, rows...)
	widths := make([]int, len(header))
	for _, r := range all {
		for i, v := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(v))
		}
	}
	out := make([]string, len(all))
	for n, r := range all {
		var b strings.Builder
		for i, v := range r {
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(v)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(v)))
			}
		}
		out[n] = b.String()
	}
	return out
}

func (r row) key() string { return strings.Join(r, "\x00") }

// sorted gives the rows in the order of their texts.
func sorted(rows []row) []row {
	out := slices.Clone(rows)
	sort.SliceStable(out, func(i, j int) bool { return slices.Compare(out[i], out[j]) < 0 })
	return out
}

// fold gives the table that a changelog amounts to: its rows without kinds, sorted. It fails where a row
// is taken away before it is there.
func fold(changes []row) ([]row, error) {
	table, orphans := foldAll(changes)
	if len(orphans) > 0 {
		return nil, fmt.Errorf("a row is taken away that is not there: %s", strings.Join(orphans[0], "  "))
	}
	return table, nil
}

// foldAll also gives the rows that were taken away without being there, as those of some sources are.
func foldAll(changes []row) (table, orphans []row) {
	count, rows := map[string]int{}, map[string]row{}
	for _, c := range changes {
		k := c[1:].key()
		rows[k] = c[1:]
		switch {
		case c[0] == "+I" || c[0] == "+U":
			count[k]++
		case count[k] == 0:
			orphans = append(orphans, c[1:])
		default:
			count[k]--
		}
	}
	for k, n := range count {
		for range n {
			table = append(table, rows[k])
		}
	}
	return sorted(table), sorted(orphans)
}

// same compares two tables as multisets; floating point numbers may differ in their last digits.
func same(a, b []row, schema types.Schema) bool {
	if len(a) != len(b) {
		return false
	}
	rest := map[string][]row{}
	for _, r := range b {
		rest[r.key()] = append(rest[r.key()], r)
	}
	var missing []row
	for _, r := range a {
		if k := r.key(); len(rest[k]) > 0 {
			rest[k] = rest[k][1:]
		} else {
			missing = append(missing, r)
		}
	}
	var extra []row
	for _, list := range rest {
		extra = append(extra, list...)
	}
	for _, r := range missing {
		i := slices.IndexFunc(extra, func(x row) bool { return near(r, x, schema) })
		if i < 0 {
			return false
		}
		extra = slices.Delete(extra, i, i+1)
	}
	return true
}

// near compares rows without kinds.
func near(a, b row, schema types.Schema) bool {
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		bound := 0.0
		switch schema[i].Type.Kind {
		case types.Double:
			bound = 1e-9
		case types.Float:
			bound = 1e-6
		default:
			return false
		}
		x, errX := strconv.ParseFloat(a[i], 64)
		y, errY := strconv.ParseFloat(b[i], 64)
		if errX != nil || errY != nil || math.Abs(x-y) > bound*max(math.Abs(x), math.Abs(y)) {
			return false
		}
	}
	return true
}
