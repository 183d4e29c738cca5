package format

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
)

// token is a scalar of JSON as the conversions see it.
type token struct {
	text  []byte // a string's text, its escapes resolved; else as written
	kind  byte   // '"', '0' for a number, 't' for true and false
	float bool   // a number with a fraction or exponent
}

// value reads the value at p into row r of a field. Where errors are ignored, one that does not fit is
// NULL; only broken JSON then fails.
func (d *jsonDecoder) value(f *jsonField, r, p int) int {
	if p >= len(d.b) {
		return d.malformed(p, "a value")
	}
	switch d.b[p] {
	case 'n':
		q := word(d.b, p, "null")
		if q < 0 {
			return d.malformed(p, "a value")
		}
		if f.c.has(r) {
			f.c.clear(r)
		}
		if d.track {
			f.null(r)
		}
		return q
	case '{':
		if f.typ.Kind == types.Row {
			f.c.mark(r)
			return d.object(f.obj, r, p)
		}
		if f.typ.Kind == types.Map || f.typ.Kind == types.Multiset {
			return d.entries(f, r, p)
		}
		return d.tree(f, r, p)
	case '[':
		if f.typ.Kind == types.Array {
			return d.array(f, r, p)
		}
		return d.tree(f, r, p)
	}
	t, q := d.scalar(p)
	if q < 0 {
		return -1
	}
	if !f.set(r, t, d.conf.style) {
		return d.mismatch(f, r, p, q)
	}
	return q
}

// mismatch concludes a value that does not fit its field.
func (d *jsonDecoder) mismatch(f *jsonField, r, p, q int) int {
	if d.conf.ignoreErrors {
		if f.c.has(r) {
			f.c.clear(r)
		}
		if d.track {
			f.null(r)
		}
		return q
	}
	found := d.b[p:q]
	text := string(found)
	if len(found) > 60 {
		text = string(found[:60]) + "..."
	}
	d.bad = fmt.Errorf("field %q: cannot read %s as %s", f.path, text, f.typ.WithNull(true))
	return -1
}

// scalar reads a string, number or boolean.
func (d *jsonDecoder) scalar(p int) (token, int) {
	switch d.b[p] {
	case '"':
		q, esc := closingQuote(d.b, p+1)
		if q < 0 {
			return token{}, d.malformed(p, "a string with valid escapes and a closing quote")
		}
		text := d.b[p+1 : q]
		if esc {
			d.scratch = unescape(d.scratch[:0], text)
			text = d.scratch
		}
		if !utf8.Valid(text) {
			return token{}, d.malformed(p, "a string in UTF-8")
		}
		return token{text: text, kind: '"'}, q + 1
	case 't', 'f':
		q := word(d.b, p, "true")
		if q < 0 {
			q = word(d.b, p, "false")
		}
		if q < 0 {
			return token{}, d.malformed(p, "a value")
		}
		return token{text: d.b[p:q], kind: 't'}, q
	}
	q, float := number(d.b, p)
	if q < 0 {
		return token{}, d.malformed(p, "a value")
	}
	return token{text: d.b[p:q], kind: '0', float: float}, q
}

// set converts a scalar into row r, or tells that it does not fit.
func (f *jsonField) set(r int, t token, style timeStyle) bool {
	c := f.c
	switch f.typ.Kind {
	case types.Boolean:
		c.setBool(r, bytes.EqualFold(trim(t.text), []byte("true")))
		return true
	case types.Char, types.VarChar:
		c.setString(r, t.text)
		return true
	case types.Binary, types.VarBinary:
		return t.kind == '"' && c.setBase64(r, t.text)
	}
	ok := false
	switch f.typ.Kind {
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalDS, types.IntervalYM:
		ok = c.setInt(r, t)
	case types.Float, types.Double:
		ok = c.setFloat(r, trim(t.text))
	case types.Decimal:
		return c.setDecimal(r, trim(t.text))
	default:
		ok = c.setTime(r, t.text, style)
	}
	if ok {
		c.mark(r)
	}
	return ok
}

func intWidth(k types.Kind) int {
	switch k {
	case types.TinyInt:
		return 8
	case types.SmallInt:
		return 16
	case types.Int, types.IntervalYM:
		return 32
	}
	return 64
}

func (c *col) setInt(r int, t token) bool {
	width := intWidth(c.typ.Kind)
	var v int64
	var ok bool
	if t.float && t.kind == '0' {
		if width < 32 {
			return false // as in Flink: only INT and BIGINT take numbers with a fraction
		}
		v, ok = floatToInt(t.text, width)
	} else {
		v, ok = parseJavaInt(trim(t.text), width)
	}
	if !ok {
		return false
	}
	switch width {
	case 8:
		c.i8[r] = int8(v)
	case 16:
		c.i16[r] = int16(v)
	case 32:
		c.i32[r] = int32(v)
	default:
		c.i64[r] = v
	}
	return true
}

func (c *col) setFloat(r int, s []byte) bool {
	if c.typ.Kind == types.Float {
		v, ok := parseJavaFloat(s, 32)
		c.f32[r] = float32(v)
		return ok
	}
	v, ok := parseJavaFloat(s, 64)
	c.f64[r] = v
	return ok
}

// setDecimal rounds to the column's scale; a number of too many digits is NULL, not an error.
func (c *col) setDecimal(r int, s []byte) bool {
	v, fits, ok := parseDecimal(s, c.typ.Prec, c.typ.Scale)
	if !ok {
		return false
	}
	if !fits {
		c.clear(r)
		return true
	}
	c.dec[r] = v
	c.mark(r)
	return true
}

// fastDecimal reads a number without exponent of at most 18 digits; -1 for anything else.
func (c *col) fastDecimal(b []byte, p, r int) int {
	neg := p < len(b) && b[p] == '-'
	if neg {
		p++
	}
	from, dot := p, -1
	v := uint64(0)
	for ; p < len(b); p++ {
		d := b[p] - '0'
		if d <= 9 {
			v = v*10 + uint64(d)
		} else if b[p] == '.' && dot < 0 {
			dot = p
		} else {
			break
		}
	}
	n, frac := p-from, 0
	if dot >= 0 {
		n, frac = n-1, p-dot-1
	}
	shift := c.typ.Scale - frac
	if n == 0 || n > 18 || dot == from || dot == p-1 || b[from] == '0' && n > frac+1 || shift+n > 18 || p < len(b) && b[p]|0x20 == 'e' {
		return -1
	}
	if shift >= 0 {
		v *= pow10u[shift]
	} else {
		unit := pow10u[-shift]
		v = (v + unit/2) / unit
	}
	if c.typ.Prec < 19 && v >= pow10u[c.typ.Prec] {
		return -1
	}
	if neg {
		c.dec[r] = decimal128.FromI64(-int64(v))
	} else {
		c.dec[r] = decimal128.FromI64(int64(v))
	}
	c.mark(r)
	return p
}

func (c *col) setTime(r int, s []byte, style timeStyle) (ok bool) {
	switch c.typ.Kind {
	case types.Date:
		c.i32[r], ok = parseDate(s)
	case types.Time0:
		c.i32[r], ok = parseTime(s)
	case types.Timestamp, types.TimestampLTZ:
		var ns int16
		c.i64[r], ns, ok = parseTimestamp(s, style, isLTZ(c.typ))
		if c.i16 != nil {
			c.i16[r] = ns
		}
	}
	return ok
}

// setBase64 decodes BYTES; blanks between groups of four are passed over, padding is needed.
func (c *col) setBase64(r int, s []byte) bool {
	if bytes.IndexByte(s, ' ') >= 0 {
		s = bytes.ReplaceAll(s, []byte(" "), nil)
	}
	c.begin(r)
	out, err := base64.StdEncoding.AppendDecode(c.data, s)
	if err != nil {
		c.clear(r)
		return false
	}
	c.data = out
	return true
}

// tree reads an object or array where no such thing is wanted: STRING keeps it as compact JSON,
// BOOLEAN takes anything but true for false, the rest does not fit.
func (d *jsonDecoder) tree(f *jsonField, r, p int) int {
	q := skip(d.b, p, 1)
	if q < 0 {
		return d.malformed(p, "a value")
	}
	switch {
	case f.typ.IsString():
		f.c.begin(r)
		f.c.data = compact(f.c.data, d.b, p)
		return q
	case f.typ.Kind == types.Boolean:
		f.c.setBool(r, false)
		return q
	}
	return d.mismatch(f, r, p, q)
}

// array reads an ARRAY.
func (d *jsonDecoder) array(f *jsonField, r, p int) int {
	f.c.begin(r)
	p = space(d.b, p+1)
	if p < len(d.b) && d.b[p] == ']' {
		return p + 1
	}
	for {
		if p = d.value(f.kids[0], f.c.elem(), p); p < 0 {
			return -1
		}
		p = space(d.b, p)
		if p >= len(d.b) || d.b[p] != ',' && d.b[p] != ']' {
			return d.malformed(p, "',' or ']'")
		}
		if d.b[p] == ']' {
			return p + 1
		}
		p = space(d.b, p+1)
	}
}

// entries reads a MAP or MULTISET. The last of several equal keys wins.
func (d *jsonDecoder) entries(f *jsonField, r, p int) int {
	f.c.begin(r)
	first := f.c.elems
	p = space(d.b, p+1)
	if p < len(d.b) && d.b[p] == '}' {
		return p + 1
	}
	var places []int
	from := p
	for {
		key, q := d.key(p)
		if q < 0 {
			return -1
		}
		places = append(places, p)
		e := f.c.elem()
		f.c.kids[0].setString(e, key)
		if p = d.value(f.kids[0], e, q); p < 0 {
			return -1
		}
		p = space(d.b, p)
		if p >= len(d.b) || d.b[p] != ',' && d.b[p] != '}' {
			return d.malformed(p, "',' or '}'")
		}
		if d.b[p] == '}' {
			break
		}
		p = space(d.b, p+1)
	}
	if n := f.c.elems - first; n > 1 {
		d.dedup(f, r, first, from, places)
	}
	return p + 1
}

// dedup reads a map again without the entries that a later one of the same key replaces.
func (d *jsonDecoder) dedup(f *jsonField, r, first, from int, places []int) {
	last := make(map[string]int, len(places))
	keys := f.c.kids[0]
	name := func(i int) string {
		end := len(keys.data)
		if first+i+1 < keys.next {
			end = int(keys.start[first+i+1])
		}
		return string(keys.data[keys.start[first+i]:end])
	}
	for i := range places {
		last[name(i)] = i
	}
	if len(last) == len(places) {
		return
	}
	keep := make([]bool, len(places))
	for _, i := range last {
		keep[i] = true
	}
	f.c.begin(r) // takes the entries back
	for i, p := range places {
		if !keep[i] {
			continue
		}
		key, q := d.key(p)
		e := f.c.elem()
		f.c.kids[0].setString(e, key)
		d.value(f.kids[0], e, q)
	}
}
