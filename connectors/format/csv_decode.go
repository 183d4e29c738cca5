package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
)

// csvField is a wanted column.
type csvField struct {
	name string
	typ  types.Type
	c    *col
}

// byteOrderMark is what some programs begin a file with.
var byteOrderMark = []byte("\xef\xbb\xbf")

type csvDecoder struct {
	c      *csvConfig
	fields []*csvField // by position in the record; nil is unwanted
	cols   []*col
	scan   csvScanner
	bad    error
}

// Decode implements connectors.Decoder.
func (d *csvDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	*out = connectors.Decoded{}
	for _, k := range d.cols {
		k.reset(hi - lo)
	}
	row := 0
	for i := lo; i < hi; i++ {
		d.bad = nil
		rec := c.Record(i)
		keep := !d.c.comment(rec) && d.record(rec, row)
		if d.bad != nil {
			out.Rejects = append(out.Rejects, connectors.Reject{Record: i, Err: d.bad})
		}
		if !keep {
			for _, k := range d.cols {
				k.clear(row)
			}
			if out.Record == nil {
				out.Record = make([]int32, row, hi-lo)
				for j := range out.Record {
					out.Record[j] = int32(lo + j)
				}
			}
			continue
		}
		if out.Record != nil {
			out.Record = append(out.Record, int32(i))
		}
		row++
	}
	out.N = row
	out.Cols = make([]arrow.Array, len(d.cols))
	for i, k := range d.cols {
		out.Cols[i] = k.finish(row)
	}
	return nil
}

// record decodes one record into a row; false: it gives none.
func (d *csvDecoder) record(rec []byte, row int) bool {
	s := &d.scan
	s.b, s.p = bytes.TrimPrefix(rec, byteOrderMark), 0
	rec = s.b
	for i := 0; ; i++ {
		var f *csvField
		if i < len(d.fields) {
			f = d.fields[i]
		}
		from := s.p
		step := s.field(f != nil)
		if step == csvBad {
			return d.fail(fmt.Errorf("malformed CSV: a quoted value has no end, or text behind it: %s", excerpt(rec[from:])))
		}
		if i >= len(d.fields) && (i > len(d.fields) || step != csvEnd || from < len(rec)) {
			return d.fail(fmt.Errorf("too many values: expected %d, found more: %s", len(d.fields), excerpt(rec[from:])))
		}
		if f != nil && !d.value(f, row, s.text) {
			if !d.c.ignoreErrors && d.bad == nil {
				d.bad = fmt.Errorf("field %q: cannot read %s as %s", f.name, excerpt(s.text), f.typ.WithNull(true))
			}
			f.c.clear(row)
		}
		if step == csvEnd {
			if i+1 < len(d.fields) && !d.c.ignoreErrors {
				return d.fail(fmt.Errorf("too few values: expected %d, found %d", len(d.fields), i+1))
			}
			return d.bad == nil
		}
	}
}

func (d *csvDecoder) fail(err error) bool {
	if !d.c.ignoreErrors {
		d.bad = err
	}
	return false
}

// value converts a text into row r of a column; false: it does not fit.
func (d *csvDecoder) value(f *csvField, r int, text []byte) bool {
	if d.c.hasNull && string(text) == d.c.nullLiteral {
		return true
	}
	switch f.typ.Kind {
	case types.Int:
		if v, q := fastInt(text, 0); q == len(text) && v == int64(int32(v)) {
			f.c.i32[r] = int32(v)
			f.c.mark(r)
			return true
		}
	case types.Double:
		if v, q := fastFloat(text, 0); q == len(text) {
			f.c.f64[r] = v
			f.c.mark(r)
			return true
		}
	case types.Array:
		return d.array(f, r, text)
	case types.Row:
		return d.row(f, r, text)
	}
	return f.set(r, text)
}

// set converts a simple value.
func (f *csvField) set(r int, text []byte) (ok bool) {
	c := f.c
	switch f.typ.Kind {
	case types.Boolean:
		c.setBool(r, bytes.EqualFold(trim(text), []byte("true")))
		return true
	case types.Char, types.VarChar:
		if !utf8.Valid(text) {
			text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
		}
		c.setString(r, text)
		return true
	case types.Binary, types.VarBinary:
		return c.setBase64(r, text)
	case types.Decimal:
		return c.setDecimal(r, text)
	case types.Float, types.Double:
		ok = c.setFloat(r, trim(text))
	case types.Date:
		c.i32[r], ok = parseLenientDate(text)
	case types.Time0:
		cur := cursor{s: text, ok: true}
		c.i32[r] = int32(cur.clock(false, true) / 1e6)
		ok = cur.ok && cur.p == len(text)
	case types.Timestamp, types.TimestampLTZ:
		ok = c.setTime(r, trim(text), styleSQL)
	default:
		ok = c.setInt(r, token{text: text, kind: 't'})
	}
	if ok {
		c.mark(r)
	}
	return ok
}

// parseLenientDate reads y-M-d as Java's Date.valueOf: days past the month's end run on into the next.
func parseLenientDate(s []byte) (int32, bool) {
	parts := bytes.Split(s, []byte("-"))
	if len(parts) != 3 || len(parts[0]) != 4 {
		return 0, false
	}
	var v [3]int
	for i, p := range parts {
		n, ok := parseJavaInt(p, 32)
		if !ok || len(p) > 4 || i > 0 && len(p) > 2 {
			return 0, false
		}
		v[i] = int(n)
	}
	if v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 {
		return 0, false
	}
	return int32(days(v[0], v[1], 1) + v[2] - 1), true
}

func (d *csvDecoder) array(f *csvField, r int, text []byte) bool {
	f.c.begin(r)
	if len(trim(text)) == 0 {
		return true
	}
	elem := csvField{typ: *f.typ.Elem, c: f.c.kids[0]}
	for _, part := range bytes.Split(text, []byte(d.c.elementDelim)) {
		if !d.element(&elem, f.c.elem(), part) {
			return false
		}
	}
	return true
}

func (d *csvDecoder) element(f *csvField, r int, text []byte) bool {
	if d.c.hasNull && string(text) == d.c.nullLiteral {
		return true
	}
	if f.set(r, text) {
		return true
	}
	f.c.clear(r)
	return d.c.ignoreErrors
}

func (d *csvDecoder) row(f *csvField, r int, text []byte) bool {
	if len(text) == 0 {
		return d.c.ignoreErrors
	}
	parts := bytes.Split(text, []byte(d.c.elementDelim))
	if len(parts) != len(f.typ.Fields) && !d.c.ignoreErrors {
		return false
	}
	f.c.mark(r)
	for i, sub := range f.typ.Fields {
		if i < len(parts) && !d.element(&csvField{typ: sub.Type, c: f.c.kids[i]}, r, parts[i]) {
			return false
		}
	}
	return true
}
