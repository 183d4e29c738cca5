// Package datagen makes up rows: random or counted values of any type, at a given pace.
//
// Contract: the values of row i follow from the seed and i alone (timestamps also from the clock), so
// runs with one seed agree and a restart goes on where it was.
package datagen

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// Connector declares the connector.
var Connector = connectors.Connector{
	Name: "datagen",
	Doc: "Makes up rows for trying things out: random values in a range, or a sequence. Without `number-of-rows` and sequences it never ends. " +
		"Options of a nested value name it by its path: `fields.order.price.max`, of an element by `fields.list.element.max`, of a MAP by `key` and `value`.",
	Example: "CREATE TABLE orders (\n  id BIGINT,\n  price DECIMAL(8, 2),\n  ts TIMESTAMP(3),\n  WATERMARK FOR ts AS ts\n) WITH (\n  'connector' = 'datagen',\n  'rows-per-second' = '10',\n  'fields.id.kind' = 'sequence',\n  'fields.id.start' = '1',\n  'fields.id.end' = '1000',\n  'fields.price.min' = '1',\n  'fields.price.max' = '100'\n)",
	New:     func() connectors.Config { return new(config) },
}

type config struct {
	rate   float64
	total  int64
	fields map[string]map[string]string // option ("min") -> field -> text
}

var _ connectors.Reads = (*config)(nil)

var fieldOptions = []struct{ name, doc string }{
	{"kind", "`random` (the default) or `sequence`."},
	{"min", "Smallest random number."},
	{"max", "Largest random number."},
	{"max-past", "Random timestamps lie up to so long before now; without it they are now."},
	{"start", "First number of a sequence."},
	{"end", "Last number of a sequence; the source ends with it."},
	{"length", "Characters of a random string, bytes of BYTES, elements of an ARRAY, MAP or MULTISET."},
	{"var-len", "Strings and BYTES of random lengths from 1 to `length`."},
	{"null-rate", "Part of the values that are NULL, from 0 to 1."},
}

// Options implements connectors.Config.
func (c *config) Options(o *option.Set) {
	o.Double(&c.rate, "rows-per-second", 10000, "Rows made a second.").Range(0.001, 1e12)
	o.Int64(&c.total, "number-of-rows", -1, "The source ends after so many rows; by default it does not.")
	c.fields = map[string]map[string]string{}
	for _, f := range fieldOptions {
		m := map[string]string{}
		o.Map(&m, "fields.#."+f.name, f.doc)
		c.fields[f.name] = m
	}
}

// Metadata implements connectors.Reads.
func (c *config) Metadata() []connectors.MetadataKey { return nil }

// SourceMode implements connectors.Reads.
func (c *config) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return types.AppendMode, nil
}

// Source implements connectors.Reads.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	if err := c.Check(t); err != nil {
		return nil, err
	}
	total := c.total
	gens := map[string]*gen{}
	for i, col := range t.Columns {
		g, err := c.gen(col.Name, col.Type, uint64(i)+1, env)
		if err != nil {
			return nil, err
		}
		gens[col.Name] = g
		if g.sequence {
			if n := g.end - g.start + 1; total < 0 || n < total {
				total = n
			}
		}
	}
	schema := scan.Columns.Arrow()
	if scan.Limit > 0 && (total < 0 || scan.Limit < total) {
		total = scan.Limit
	}
	wanted := make([]*gen, len(scan.Columns))
	for i, col := range scan.Columns {
		wanted[i] = gens[col.Name].pruned(col.Type)
	}
	return &connectors.Generated{Env: env, Rate: c.rate, Total: total, Rows: func(seed uint64, from int64, n int) (*vec.Batch, error) {
		cols := make([]arrow.Array, len(wanted))
		now := env.Now().UnixMicro()
		for i, g := range wanted {
			cols[i] = g.fill(block{seed: seed, from: uint64(from), n: n, now: now})
		}
		return vec.New(schema, cols, n, nil), nil
	}}, nil
}

// Check implements connectors.Checks.
func (c *config) Check(t *connectors.TableDesc) *option.Error {
	known := map[string]bool{}
	for _, col := range t.Columns {
		addPaths(known, col.Name, col.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(c.fields)) {
		for _, field := range slices.Sorted(maps.Keys(c.fields[name])) {
			if !known[field] {
				return &option.Error{Key: "fields." + field + "." + name, Msg: fmt.Sprintf("option \"fields.%s.%s\" is for no column of table %s", field, name, t.Name), Hint: near(field, known)}
			}
		}
	}
	return nil
}

func addPaths(known map[string]bool, path string, t types.Type) {
	known[path] = true
	switch t.Kind {
	case types.Array, types.Multiset:
		addPaths(known, path+".element", *t.Elem)
	case types.Map:
		addPaths(known, path+".key", *t.Key)
		addPaths(known, path+".value", *t.Elem)
	case types.Row:
		for _, f := range t.Fields {
			addPaths(known, path+"."+f.Name, f.Type)
		}
	}
}

func near(field string, known map[string]bool) string {
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	sort.Strings(names)
	if n := option.Near(field, names); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// gen makes the values of one column or part of one.
type gen struct {
	typ      types.Type
	salt     uint64 // tells columns of one seed apart
	sequence bool
	start    int64 // of a sequence
	end      int64
	lo, hi   int64 // of whole numbers, and of DECIMAL in units of its scale
	flo, fhi float64
	length   int
	varLen   bool
	nullRate float64
	past     int64 // microseconds
	zone     *time.Location
	kids     []*gen
}

// text gives a field's option.
func (c *config) text(option, path string) (string, bool) {
	v, ok := c.fields[option][path]
	return strings.TrimSpace(v), ok
}

func (c *config) number(option, path string, def float64) (float64, error) {
	v, ok := c.text(option, path)
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(n) {
		return 0, fmt.Errorf("option \"fields.%s.%s\": %q is not a number", path, option, v)
	}
	return n, nil
}

func (c *config) whole(option, path string, def int64) (int64, error) {
	v, ok := c.text(option, path)
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("option \"fields.%s.%s\": %q is not a whole number", path, option, v)
	}
	return n, nil
}

// gen reads the options of a column or part of one.
func (c *config) gen(path string, t types.Type, salt uint64, env *connectors.Env) (*gen, error) {
	g := &gen{typ: t, salt: connectors.Mix(salt), zone: env.Zone}
	if g.zone == nil {
		g.zone = time.UTC
	}
	var err error
	if g.nullRate, err = c.number("null-rate", path, 0); err != nil {
		return nil, err
	}
	if v, ok := c.text("max-past", path); ok {
		d, err := option.ParseDuration(v)
		if err != nil {
			return nil, fmt.Errorf("option \"fields.%s.max-past\": '%s' %w", path, v, err)
		}
		g.past = d.Microseconds()
	}
	if v, ok := c.text("var-len", path); ok {
		g.varLen = strings.EqualFold(v, "true")
	}
	switch kind, _ := c.text("kind", path); strings.ToLower(kind) {
	case "", "random":
	case "sequence":
		return g, c.sequence(g, path)
	default:
		return nil, fmt.Errorf("option \"fields.%s.kind\": '%s' is none of 'random', 'sequence'", path, kind)
	}
	if err := c.ranges(g, path); err != nil {
		return nil, err
	}
	return g, c.parts(g, path, salt, env)
}

func (c *config) sequence(g *gen, path string) error {
	if !g.typ.IsNumeric() && !g.typ.IsString() {
		return fmt.Errorf("option \"fields.%s.kind\": a sequence is of numbers or text, not of %s", path, g.typ)
	}
	for _, need := range []string{"start", "end"} {
		if _, ok := c.text(need, path); !ok {
			return fmt.Errorf("option \"fields.%s.%s\" is missing: a sequence needs both ends", path, need)
		}
	}
	var err error
	if g.start, err = c.whole("start", path, 0); err != nil {
		return err
	}
	if g.end, err = c.whole("end", path, 0); err != nil {
		return err
	}
	if g.end < g.start {
		return fmt.Errorf("option \"fields.%s.end\": %d is before the start %d", path, g.end, g.start)
	}
	g.sequence = true
	return nil
}

var wholeRanges = map[types.Kind][2]int64{
	types.TinyInt: {math.MinInt8, math.MaxInt8}, types.SmallInt: {math.MinInt16, math.MaxInt16},
	types.Int: {math.MinInt32, math.MaxInt32}, types.BigInt: {math.MinInt64, math.MaxInt64},
	types.IntervalYM: {0, 120000}, types.IntervalDS: {0, math.MaxInt32},
}

// ranges sets the limits of random numbers and lengths.
func (c *config) ranges(g *gen, path string) (err error) {
	if r, ok := wholeRanges[g.typ.Kind]; ok {
		if g.lo, err = c.whole("min", path, r[0]); err != nil {
			return err
		}
		if g.hi, err = c.whole("max", path, r[1]); err != nil {
			return err
		}
		if g.lo < r[0] || g.hi > r[1] {
			return fmt.Errorf("column %q: the range %d to %d does not fit %s", path, g.lo, g.hi, g.typ)
		}
		return c.ordered(path, float64(g.lo), float64(g.hi))
	}
	limit := math.MaxFloat64
	switch g.typ.Kind {
	case types.Float:
		limit = math.MaxFloat32
	case types.Decimal:
		limit = math.Pow(10, float64(g.typ.Prec-g.typ.Scale)) - math.Pow(10, -float64(g.typ.Scale))
	}
	if g.flo, err = c.number("min", path, 0); err != nil {
		return err
	}
	if g.fhi, err = c.number("max", path, limit); err != nil {
		return err
	}
	if g.typ.IsNumeric() && (g.flo < -limit || g.fhi > limit) {
		return fmt.Errorf("column %q: the range %v to %v does not fit %s", path, g.flo, g.fhi, g.typ)
	}
	length := int64(100)
	switch {
	case g.typ.IsNested():
		length = 3
	case g.typ.Length > 0 && g.typ.Length < types.MaxLength:
		length = int64(g.typ.Length)
	}
	if length, err = c.whole("length", path, length); err != nil {
		return err
	}
	if length < 0 || length > 1<<20 {
		return fmt.Errorf("option \"fields.%s.length\": %d is not between 0 and %d", path, length, 1<<20)
	}
	g.length = int(length)
	return c.ordered(path, g.flo, g.fhi)
}

func (c *config) ordered(path string, lo, hi float64) error {
	if lo > hi {
		return fmt.Errorf("column %q: the smallest value %v is larger than the largest %v; check \"fields.%s.min\" and \"fields.%s.max\"", path, lo, hi, path, path)
	}
	return nil
}

// parts makes the generators of a nested type's parts.
func (c *config) parts(g *gen, path string, salt uint64, env *connectors.Env) error {
	add := func(name string, t types.Type) error {
		k, err := c.gen(path+"."+name, t, salt<<6+uint64(len(g.kids))+1, env)
		if err == nil && k.sequence {
			err = fmt.Errorf("option \"fields.%s.%s.kind\": a sequence must be a whole column", path, name)
		}
		g.kids = append(g.kids, k)
		return err
	}
	switch g.typ.Kind {
	case types.Array, types.Multiset:
		return add("element", *g.typ.Elem)
	case types.Map:
		if err := add("key", *g.typ.Key); err != nil {
			return err
		}
		return add("value", *g.typ.Elem)
	case types.Row:
		for _, f := range g.typ.Fields {
			if err := add(f.Name, f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// pruned is the generator of the same values of fewer fields.
func (g *gen) pruned(t types.Type) *gen {
	out := *g
	out.typ = t
	if t.Kind == types.Row {
		out.kids = nil
		for _, f := range t.Fields {
			for i, have := range g.typ.Fields {
				if have.Name == f.Name {
					out.kids = append(out.kids, g.kids[i].pruned(f.Type))
				}
			}
		}
	}
	return &out
}
