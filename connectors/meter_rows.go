package connectors

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// UsageKey is whose calls are counted.
type UsageKey struct {
	Job      string `json:"job,omitempty"` // "": a query
	Table    string `json:"table"`
	Endpoint string `json:"endpoint"`
}

// UsageRow is a row of sys.calls.
type UsageRow struct {
	UsageKey
	Usage
}

// usageColumn declares a column of sys.calls and what it shows: of the three kinds of values, one.
type usageColumn struct {
	name   string
	typ    types.Type
	text   func(*UsageRow) string  // "" is NULL
	number func(*UsageRow) int64   // of a time, 0 is NULL
	real   func(*UsageRow) float64 // milliseconds
}

func usageColumns() []usageColumn {
	text, number, real, at := types.StringType, types.BigIntType, types.DoubleType, types.LTZType(3)
	quantile := func(part float64) func(*UsageRow) float64 {
		return func(r *UsageRow) float64 {
			return float64(r.Quantile(part).Round(10*time.Microsecond)) / float64(time.Millisecond)
		}
	}
	return []usageColumn{
		{name: "job_id", typ: text, text: func(r *UsageRow) string { return r.Job }},
		{name: "table_name", typ: text, text: func(r *UsageRow) string { return r.Table }},
		{name: "endpoint", typ: text, text: func(r *UsageRow) string { return r.Endpoint }},
		{name: "calls", typ: number, number: func(r *UsageRow) int64 { return r.Calls }},
		{name: "failures", typ: number, number: func(r *UsageRow) int64 { return r.Failures }},
		{name: "bytes_sent", typ: number, number: func(r *UsageRow) int64 { return r.Sent }},
		{name: "bytes_received", typ: number, number: func(r *UsageRow) int64 { return r.Received }},
		{name: "p50_ms", typ: real, real: quantile(0.5)},
		{name: "p99_ms", typ: real, real: quantile(0.99)},
		{name: "first_call", typ: at, number: func(r *UsageRow) int64 { return r.First * 1000 }},
		{name: "last_call", typ: at, number: func(r *UsageRow) int64 { return r.Last * 1000 }},
		{name: "status", typ: text, text: func(r *UsageRow) string { return r.Status }},
	}
}

// UsageColumns are the columns of sys.calls.
func UsageColumns() types.Schema {
	var out types.Schema
	for _, c := range usageColumns() {
		out = append(out, optional(c.name, c.typ))
	}
	return out
}

// UsageRows makes a batch of some of the columns.
func UsageRows(list []UsageRow, cols types.Schema) *vec.Batch {
	by := map[string]usageColumn{}
	for _, c := range usageColumns() {
		by[c.name] = c
	}
	out := make([]arrow.Array, len(cols))
	for i, col := range cols {
		c, b := by[col.Name], vec.NewBuilder(col.Type)
		for n := range list {
			c.add(b, &list[n])
		}
		out[i] = b.Array()
	}
	return vec.New(cols.Arrow(), out, len(list), nil)
}

func (c *usageColumn) add(b vec.Builder, r *UsageRow) {
	switch b := b.(type) {
	case *vec.TextBuilder:
		if v := c.text(r); v != "" {
			b.Append([]byte(v))
			return
		}
	case *vec.FixedBuilder[int64]:
		if v := c.number(r); v != 0 || c.typ.Kind == types.BigInt {
			b.Append(v)
			return
		}
	case *vec.FixedBuilder[float64]:
		if r.Calls > 0 {
			b.Append(c.real(r))
			return
		}
	}
	b.AppendNull()
}
