package format

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// col is a column being filled by row number: rows may be set in any columns in any order, but within
// a column they only grow, except that the last row may be set again (a repeated key) or cleared (a
// rejected record). Rows never set are NULL. Its memory goes to the array that finish makes.
type col struct {
	typ   types.Type
	n     int // rows there is room for
	valid vec.Bitmap
	bits  vec.Bitmap
	i8    []int8
	i16   []int16 // SMALLINT, and the nanoseconds of TIMESTAMP(7-9)
	i32   []int32
	i64   []int64
	f32   []float32
	f64   []float64
	dec   []decimal128.Num

	// Of strings, bytes, lists and maps: start is where each row begins in data or among the
	// elements, known for the first next rows.
	start []int32
	data  []byte
	next  int
	elems int // elements of a list or map so far

	kids []*col // ROW: fields; ARRAY: element; MAP, MULTISET: key and value
	last int    // bytes of data in the former batch: the first guess for this one
}

func newCol(t types.Type) *col {
	c := &col{typ: t}
	switch t.Kind {
	case types.Array:
		c.kids = []*col{newCol(*t.Elem)}
	case types.Map:
		c.kids = []*col{newCol(*t.Key), newCol(*t.Elem)}
	case types.Multiset:
		c.kids = []*col{newCol(*t.Elem), newCol(types.IntType)}
	case types.Row:
		for _, f := range t.Fields {
			c.kids = append(c.kids, newCol(f.Type))
		}
	}
	return c
}

// reset empties the column and makes room for n rows of new memory.
func (c *col) reset(n int) {
	*c = col{typ: c.typ, kids: c.kids, last: c.last}
	if c.varlen() && !c.typ.IsNested() && (n > 0 || c.last > 0) {
		c.data = make([]byte, 0, c.last+c.last/8+64)
	}
	for _, k := range c.kids {
		k.reset(0)
	}
	c.grow(n)
}

func (c *col) varlen() bool {
	return c.typ.IsString() || c.typ.IsBytes() || c.typ.IsNested() && c.typ.Kind != types.Row
}

// grow makes room for at least n rows.
func (c *col) grow(n int) {
	if n <= c.n {
		return
	}
	if c.n > 0 {
		n = max(n, 2*c.n)
	}
	c.n = n
	c.valid = grown(c.valid, (n+7)/8)
	switch c.typ.Kind {
	case types.Boolean:
		c.bits = grown(c.bits, (n+7)/8)
	case types.TinyInt:
		c.i8 = grown(c.i8, n)
	case types.SmallInt:
		c.i16 = grown(c.i16, n)
	case types.Int, types.Date, types.Time0, types.IntervalYM:
		c.i32 = grown(c.i32, n)
	case types.BigInt, types.IntervalDS:
		c.i64 = grown(c.i64, n)
	case types.Timestamp, types.TimestampLTZ:
		c.i64 = grown(c.i64, n)
		if c.typ.Nanos() {
			c.i16 = grown(c.i16, n)
		}
	case types.Float:
		c.f32 = grown(c.f32, n)
	case types.Double:
		c.f64 = grown(c.f64, n)
	case types.Decimal:
		c.dec = grown(c.dec, n)
	case types.Row:
		for _, k := range c.kids {
			k.grow(n)
		}
	default:
		c.start = grown(c.start, n+1)
	}
}

func grown[T any](s []T, n int) []T {
	out := make([]T, n)
	copy(out, s)
	return out
}

// mark makes row r not NULL.
func (c *col) mark(r int) { c.valid[r>>3] |= 1 << (r & 7) }

func (c *col) has(r int) bool { return c.valid[r>>3]&(1<<(r&7)) != 0 }

// begin starts row r of a string, list or map: what is appended from here on is its value.
func (c *col) begin(r int) {
	if c.next > r {
		c.rollback(r)
	}
	at := int32(c.size())
	for ; c.next <= r; c.next++ {
		c.start[c.next] = at
	}
	c.valid[r>>3] |= 1 << (r & 7)
}

// shortText is the length of texts that are copied at a fixed size.
const shortText = 16

// appendText appends b[lo:hi]. A copy of fixed size is two instructions; what it brings too much lies
// behind the column's data, where the next value goes.
func (c *col) appendText(b []byte, lo, hi int) {
	n := len(c.data)
	if hi-lo <= shortText && n+shortText <= cap(c.data) && lo+shortText <= len(b) {
		*(*[shortText]byte)(c.data[n : n+shortText]) = [shortText]byte(b[lo:])
		c.data = c.data[:n+hi-lo]
		return
	}
	c.data = append(c.data, b[lo:hi]...)
}

func (c *col) size() int {
	if c.typ.IsNested() {
		return c.elems
	}
	return len(c.data)
}

// rollback forgets the values of rows r and later.
func (c *col) rollback(r int) {
	at := int(c.start[r])
	c.next = r
	if !c.typ.IsNested() {
		c.data = c.data[:at]
		return
	}
	for _, k := range c.kids {
		k.truncate(at, c.elems)
	}
	c.elems = at
}

// truncate makes rows [m, n) unset.
func (c *col) truncate(m, n int) {
	for r := m; r < n && r < c.n; r++ {
		c.valid.Clear(r)
	}
	if c.typ.Kind == types.Row {
		for _, k := range c.kids {
			k.truncate(m, n)
		}
	} else if c.varlen() && c.next > m {
		c.rollback(m)
	}
}

// clear makes row r NULL, the last that was set.
func (c *col) clear(r int) { c.truncate(r, r+1) }

// elem appends a place for an element to a list or map and gives its row number.
func (c *col) elem() int {
	r := c.elems
	c.elems++
	for _, k := range c.kids {
		k.grow(c.elems)
	}
	return r
}

func (c *col) setBool(r int, v bool) {
	c.mark(r)
	if v {
		c.bits.Set(r)
	} else {
		c.bits.Clear(r)
	}
}

func (c *col) setString(r int, v []byte) {
	c.begin(r)
	c.data = append(c.data, v...)
}

// finish makes an array of the first n rows and gives the memory away.
func (c *col) finish(n int) arrow.Array {
	dt := c.typ.Arrow()
	valid := c.valid[:(n+7)/8]
	switch c.typ.Kind {
	case types.Boolean:
		return vec.Bools(c.bits[:(n+7)/8], n, valid)
	case types.TinyInt:
		return vec.Fixed(dt, c.i8[:n], valid)
	case types.SmallInt:
		return vec.Fixed(dt, c.i16[:n], valid)
	case types.Int, types.Date, types.Time0, types.IntervalYM:
		return vec.Fixed(dt, c.i32[:n], valid)
	case types.Timestamp, types.TimestampLTZ:
		if c.typ.Nanos() {
			return vec.Nanos(c.i64[:n], c.i16[:n], valid)
		}
		return vec.Fixed(dt, c.i64[:n], valid)
	case types.BigInt, types.IntervalDS:
		return vec.Fixed(dt, c.i64[:n], valid)
	case types.Float:
		return vec.Fixed(dt, c.f32[:n], valid)
	case types.Double:
		return vec.Fixed(dt, c.f64[:n], valid)
	case types.Decimal:
		return vec.Fixed(dt, c.dec[:n], valid)
	case types.Row:
		fields := make([]arrow.Array, len(c.kids))
		for i, k := range c.kids {
			fields[i] = k.finish(n)
		}
		return vec.Structs(dt.(*arrow.StructType), n, fields, valid)
	case types.Null:
		return array.NewNull(n)
	}
	return c.finishVar(n, valid)
}

func (c *col) finishVar(n int, valid vec.Bitmap) arrow.Array {
	if len(c.start) == 0 {
		c.start = make([]int32, 1)
	}
	at := int32(c.size())
	for ; c.next <= n; c.next++ {
		c.start[c.next] = at
	}
	start := c.start[:n+1]
	switch c.typ.Kind {
	case types.Array:
		return vec.Lists(start, c.kids[0].finish(c.elems), valid)
	case types.Map, types.Multiset:
		return vec.Maps(start, c.kids[0].finish(c.elems), c.kids[1].finish(c.elems), valid)
	case types.Binary, types.VarBinary:
		c.last = len(c.data)
		return vec.Binaries(start, c.data, valid)
	}
	c.last = len(c.data)
	return vec.Strings(start, c.data, valid)
}
