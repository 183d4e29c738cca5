// Package faker makes up rows that look real, from expressions in Java Faker's syntax.
//
// Contract: the values of row i follow from the seed and i alone (dates also from the clock).
package faker

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/brianvoe/gofakeit/v7"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name:    "faker",
	Doc:     doc(),
	Example: "CREATE TABLE readings (\n  sensor_id INT,\n  status STRING,\n  event_time TIMESTAMP(3)\n) WITH (\n  'connector' = 'faker',\n  'rows-per-second' = '10',\n  'fields.sensor_id.expression' = '#{number.numberBetween ''1'',''100''}',\n  'fields.status.expression' = '#{options.option ''OK'',''WARNING'',''ERROR''}',\n  'fields.event_time.expression' = '#{date.past ''15'',''SECONDS''}'\n)",
	New:     func() connectors.Config { return new(config) },
}

func doc() string {
	var b strings.Builder
	b.WriteString("Makes up rows that look real. Each column has an expression: text with directives such as `#{Name.firstName}` or `#{number.numberBetween '1','100'}`. " +
		"Those of a ROW's fields are named by their path, of a MAP by `key` and `value`; of an ARRAY, `length` values are drawn. The directives:\n")
	for _, f := range Functions() {
		fmt.Fprintf(&b, "\n- `#{%s}`: %s", strings.TrimSpace(f.Name+" "+f.Args), f.Doc)
	}
	return b.String()
}

type config struct {
	rate        float64
	total       int64
	expressions map[string]string
	nullRates   map[string]string
	lengths     map[string]string
}

var _ connectors.Reads = (*config)(nil)

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.Double(&c.rate, "rows-per-second", 10000, "Rows made a second.").Range(0.001, 1e12)
	o.Int64(&c.total, "number-of-rows", -1, "The source ends after so many rows; by default it does not.")
	o.Map(&c.expressions, "fields.#.expression", "How the column's values are made.")
	o.Map(&c.nullRates, "fields.#.null-rate", "Part of the values that are NULL, from 0 to 1.")
	o.Map(&c.lengths, "fields.#.length", "Elements of an ARRAY, MAP or MULTISET; 1 by default.")
}

// Metadata implements connectors.Reads.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// SourceMode implements connectors.Reads.
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return types.AppendMode, nil
}

// Check implements connectors.Checks.
func (c *config) Check(t *connectors.TableDesc) *option.Error {
	used := map[string]bool{}
	for i, col := range t.Columns {
		if _, err := c.maker(col.Name, col.Type, uint64(i)+1, used); err != nil {
			return nil // it is told where the table is read
		}
	}
	return c.unused(t, used)
}

// unused is the mistake of an option for none of the paths in use, or nil.
func (c *config) unused(t *connectors.TableDesc, used map[string]bool) *option.Error {
	for _, o := range []struct {
		name   string
		values map[string]string
	}{{"expression", c.expressions}, {"null-rate", c.nullRates}, {"length", c.lengths}} {
		for _, path := range slices.Sorted(maps.Keys(o.values)) {
			if used[path] {
				continue
			}
			e := &option.Error{Key: "fields." + path + "." + o.name, Msg: fmt.Sprintf("option \"fields.%s.%s\" is for no column of table %s", path, o.name, t.Name)}
			if n := option.Near(path, slices.Sorted(maps.Keys(used))); n != "" {
				e.Hint = fmt.Sprintf("did you mean %q?", n)
			}
			return e
		}
	}
	return nil
}

// Source implements connectors.Reads.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, e *connectors.Env) (connectors.Source, error) {
	used := map[string]bool{}
	makers := map[string]*maker{}
	for i, col := range t.Columns {
		m, err := c.maker(col.Name, col.Type, uint64(i)+1, used)
		if err != nil {
			return nil, err
		}
		makers[col.Name] = m
	}
	if err := c.unused(t, used); err != nil {
		return nil, err
	}
	total := c.total
	if scan.Limit > 0 && (total < 0 || scan.Limit < total) {
		total = scan.Limit
	}
	zone := e.Zone
	if zone == nil {
		zone = time.UTC
	}
	schema := scan.Columns.Arrow()
	return &connectors.Generated{Env: e, Rate: c.rate, Total: total, Rows: func(seed uint64, from int64, n int) (*vec.Batch, error) {
		r := &rng{}
		cols := make([]arrow.Array, len(scan.Columns))
		for i, col := range scan.Columns {
			now := e.Now().UTC()
			if col.Type.Kind != types.TimestampLTZ { // others show the session's clock
				_, off := now.In(zone).Zone()
				now = now.Add(time.Duration(off) * time.Second)
			}
			b := &build{env: env{f: gofakeit.NewFaker(r, false), rng: r, now: now}, seed: seed, from: uint64(from), n: n}
			a, err := makers[col.Name].pruned(col.Type).column(b)
			if err != nil {
				return nil, err
			}
			cols[i] = a
		}
		return vec.New(schema, cols, n, nil), nil
	}}, nil
}

// rng is a counter turned into random bits: cheap to place at any row.
type rng struct{ state uint64 }

// Uint64 implements rand.Source.
func (r *rng) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return connectors.Mix(r.state)
}

// maker makes the values of one column or part of one.
type maker struct {
	path     string
	typ      types.Type
	salt     uint64
	x        expression
	nullRate float64
	length   int
	kids     []*maker
}

func (c *config) maker(path string, t types.Type, salt uint64, used map[string]bool) (*maker, error) {
	m := &maker{path: path, typ: t, salt: connectors.Mix(salt), length: 1}
	used[path] = true
	if v, ok := c.nullRates[path]; ok {
		rate, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil || math.IsNaN(rate) || rate < 0 || rate > 1 {
			return nil, fmt.Errorf("option \"fields.%s.null-rate\": %q is not a number from 0 to 1", path, v)
		}
		m.nullRate = rate
	}
	if v, ok := c.lengths[path]; ok {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < 0 || n > 1<<16 {
			return nil, fmt.Errorf("option \"fields.%s.length\": %q is not a number from 0 to %d", path, v, 1<<16)
		}
		m.length = n
	}
	kid := func(path string, t types.Type) error {
		k, err := c.maker(path, t, salt<<6+uint64(len(m.kids))+1, used)
		m.kids = append(m.kids, k)
		return err
	}
	switch t.Kind {
	case types.Array, types.Multiset:
		err := kid(path, *t.Elem)
		if err == nil {
			m.kids[0].nullRate = 0 // the option is the column's, not its elements'
		}
		return m, err
	case types.Map:
		if err := kid(path+".key", *t.Key); err != nil {
			return nil, err
		}
		return m, kid(path+".value", *t.Elem)
	case types.Row:
		for _, f := range t.Fields {
			if err := kid(path+"."+f.Name, f.Type); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	text, ok := c.expressions[path]
	if !ok {
		return nil, fmt.Errorf("column %q has no expression; add 'fields.%s.expression' = '#{...}'", path, path)
	}
	x, err := compile(text)
	if err != nil {
		return nil, fmt.Errorf("option \"fields.%s.expression\": %w", path, err)
	}
	m.x = x
	return m, nil
}

// pruned makes the same values of fewer fields.
func (m *maker) pruned(t types.Type) *maker {
	out := *m
	out.typ = t
	if t.Kind == types.Row {
		out.kids = nil
		for _, f := range t.Fields {
			for i, have := range m.typ.Fields {
				if have.Name == f.Name {
					out.kids = append(out.kids, m.kids[i].pruned(f.Type))
				}
			}
		}
	}
	return &out
}

// build is the rows to make.
type build struct {
	env  env
	seed uint64
	from uint64
	n    int
	buf  []byte
}

// place sets the random source to row i of a maker.
func (b *build) place(m *maker, i int) {
	b.env.rng.state = connectors.Mix(b.seed ^ m.salt + (b.from+uint64(i))*0x9e3779b97f4a7c15)
}

func (m *maker) null(b *build) bool {
	return m.nullRate > 0 && float64(b.env.rng.Uint64()>>11)/(1<<53) < m.nullRate
}

// column makes n values.
func (m *maker) column(b *build) (arrow.Array, error) {
	if m.typ.IsNested() {
		return m.nested(b)
	}
	out := format.NewTexts(m.typ)
	for i := range b.n {
		b.place(m, i)
		if m.null(b) {
			out.AddNull()
			continue
		}
		b.buf = m.x.eval(&b.env, b.buf[:0])
		if err := m.add(out, b.buf); err != nil {
			return nil, fmt.Errorf("column %q: the expression gives a value that does not fit: %w", m.path, err)
		}
	}
	return out.Array(), nil
}

// add takes moments, which expressions give as timestamps, into dates, times and TIMESTAMP_LTZ too.
func (m *maker) add(out *format.Texts, s []byte) error {
	if len(s) == len(stamp) && s[10] == ' ' && s[13] == ':' {
		switch m.typ.Kind {
		case types.Date:
			s = s[:10]
		case types.Time0:
			s = s[11:]
		case types.TimestampLTZ:
			s = append(s, 'Z')
		}
	}
	return out.Add(s)
}

func (m *maker) nested(b *build) (arrow.Array, error) {
	var valid vec.Bitmap
	if m.nullRate > 0 {
		valid = vec.NewBitmap(b.n)
		for i := range b.n {
			if b.place(m, i); !m.null(b) {
				valid.Set(i)
			}
		}
	}
	inner := *b
	if m.typ.Kind != types.Row {
		inner.seed, inner.from, inner.n = b.seed^m.salt, b.from*uint64(max(m.length, 1)), b.n*m.length
	}
	kids := make([]arrow.Array, len(m.kids))
	for i, k := range m.kids {
		a, err := k.column(&inner)
		if err != nil {
			return nil, err
		}
		kids[i] = a
	}
	if m.typ.Kind == types.Row {
		return vec.Structs(m.typ.Arrow().(*arrow.StructType), b.n, kids, valid), nil
	}
	offsets := make([]int32, b.n+1)
	for i := range offsets {
		offsets[i] = int32(i * m.length)
	}
	switch m.typ.Kind {
	case types.Map:
		return vec.Maps(offsets, kids[0], kids[1], valid), nil
	case types.Multiset:
		ones := make([]int32, inner.n)
		for i := range ones {
			ones[i] = 1
		}
		return vec.Maps(offsets, kids[0], vec.Int32s(ones, nil), valid), nil
	}
	return vec.Lists(offsets, kids[0], valid), nil
}
