package format

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// The JSON decoder writes values into columns as it scans, guided by the wanted columns. Objects of a
// stream repeat their layout, so it remembers, of the record and of each nested ROW, the bytes between
// the values of an object (its template): while they match, keys are not parsed at all, and each value
// is read by the scanner of its column's type. What does not match goes on at the same place in the
// general parser.

// jsonOp says how a column's values are read on the fast way.
type jsonOp uint8

const (
	opSlow jsonOp = iota // by the general parser
	opSkip               // an unwanted value
	opInt
	opLong
	opFloat
	opDouble
	opString
	opTime // TIMESTAMP(0-6), also TIMESTAMP_LTZ
	opDecimal
)

// jsonField is a wanted column or field.
type jsonField struct {
	name string
	path string // for messages: "order.lines.price"
	typ  types.Type
	op   jsonOp
	ltz  bool
	c    *col
	obj  *jsonObject  // ROW
	kids []*jsonField // ARRAY, MAP: the element or value
	// nulls are the rows of explicit NULLs, where the decoder tracks them.
	nulls vec.Bitmap
}

// jsonObject is the wanted fields of an object, and its template.
type jsonObject struct {
	fields []*jsonField
	byName map[string]int
	jsonTemplate
}

func newJSONObject() *jsonObject {
	return &jsonObject{byName: map[string]int{}, jsonTemplate: jsonTemplate{relearn: true}}
}

type jsonDecoder struct {
	conf *jsonConfig
	root *jsonObject
	cols []*col

	b       []byte // the chunk up to the current record's end
	wide    []byte // as b, and up to eight bytes more, for scanners that read words
	row     int
	room    int   // rows the columns have room for
	bad     error // why the current record is being given up
	scratch []byte
	track   bool // note explicit NULLs, to tell them from missing keys
	days    dayCache
	marks   []jsonMark // of the objects being learnt
}

func newJSONDecoder(conf *jsonConfig, cols types.Schema) (*jsonDecoder, error) {
	d := &jsonDecoder{conf: conf}
	d.track = conf.failOnMissing
	d.root = newJSONObject()
	for i, c := range cols {
		f, err := d.field(c.Name, c.Name, c.Type)
		if err != nil {
			return nil, err
		}
		d.cols = append(d.cols, f.c)
		d.root.fields = append(d.root.fields, f)
		d.root.byName[c.Name] = i
	}
	return d, nil
}

func (d *jsonDecoder) field(name, path string, t types.Type) (*jsonField, error) {
	f := &jsonField{name: name, path: path, typ: t, c: newCol(t), ltz: isLTZ(t)}
	if err := d.bind(f); err != nil {
		return nil, err
	}
	return f, nil
}

// bind links a field, whose column exists, to its parts.
func (d *jsonDecoder) bind(f *jsonField) error {
	switch f.typ.Kind {
	case types.Int:
		f.op = opInt
	case types.BigInt:
		f.op = opLong
	case types.Float:
		f.op = opFloat
	case types.Double:
		f.op = opDouble
	case types.Char, types.VarChar:
		f.op = opString
	case types.Decimal:
		f.op = opDecimal
	case types.Timestamp, types.TimestampLTZ:
		if !f.typ.Nanos() {
			f.op = opTime
		}
	case types.Map:
		if !f.typ.Key.IsString() {
			return fmt.Errorf("column %q: JSON objects have names of type STRING only, not %s; declare the key as STRING", f.path, f.typ.Key)
		}
		return d.bindKid(f, *f.typ.Elem, f.c.kids[1])
	case types.Multiset:
		if !f.typ.Elem.IsString() {
			return fmt.Errorf("column %q: a MULTISET read from JSON must be of STRING, not %s", f.path, f.typ.Elem)
		}
		return d.bindKid(f, types.IntType, f.c.kids[1])
	case types.Array:
		return d.bindKid(f, *f.typ.Elem, f.c.kids[0])
	case types.Row:
		f.obj = newJSONObject()
		for i, sub := range f.typ.Fields {
			kid := &jsonField{name: sub.Name, path: f.path + "." + sub.Name, typ: sub.Type, c: f.c.kids[i], ltz: isLTZ(sub.Type)}
			if err := d.bind(kid); err != nil {
				return err
			}
			f.obj.fields = append(f.obj.fields, kid)
			f.obj.byName[sub.Name] = i
		}
	}
	return nil
}

func (d *jsonDecoder) bindKid(f *jsonField, t types.Type, c *col) error {
	kid := &jsonField{path: f.path + "[]", typ: t, c: c, ltz: isLTZ(t)}
	f.kids = []*jsonField{kid}
	return d.bind(kid)
}

// Decode implements connectors.Decoder.
func (d *jsonDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	*out = connectors.Decoded{}
	d.reset(hi - lo)
	for i := lo; i < hi; i++ {
		from := d.row
		if !d.record(c.Data, int(c.Beg[i]), int(c.End[i])) {
			out.Rejects = append(out.Rejects, connectors.Reject{Record: i, Err: d.bad})
		}
		if out.Record == nil && d.row != i-lo+1 {
			out.Record = make([]int32, from, hi-lo)
			for j := range out.Record {
				out.Record[j] = int32(lo + j)
			}
		}
		if out.Record != nil {
			for ; from < d.row; from++ {
				out.Record = append(out.Record, int32(i))
			}
		}
	}
	out.N = d.row
	out.Cols = make([]arrow.Array, len(d.cols))
	for i, k := range d.cols {
		out.Cols[i] = k.finish(d.row)
	}
	return nil
}

// reset begins new columns with room for n rows.
func (d *jsonDecoder) reset(n int) {
	for _, k := range d.cols {
		k.reset(n)
	}
	if d.track {
		d.root.forget()
	}
	d.row, d.room = 0, n
}

// forget drops the notes of explicit NULLs.
func (o *jsonObject) forget() {
	for _, f := range o.fields {
		f.nulls = nil
		if f.obj != nil {
			f.obj.forget()
		}
		for _, k := range f.kids {
			if k.obj != nil {
				k.obj.forget()
			}
		}
	}
}

// record decodes the record data[p:end]: it adds its rows, or none where the record is empty or
// bad and bad ones are ignored. False is a reject, with the reason in d.bad.
func (d *jsonDecoder) record(data []byte, p, end int) bool {
	if p == end {
		return true
	}
	if d.row >= d.room { // arrays have given more rows than there are records
		d.moreRoom()
	}
	d.b, d.wide, d.bad = data[:end], data[:min(end+8, len(data))], nil
	row := d.row
	if data[p] != '{' {
		if end-p >= 3 && data[p] == 0xEF && data[p+1] == 0xBB && data[p+2] == 0xBF {
			p += 3
		}
		if p = space(d.b, p); p < end && data[p] == '[' {
			return d.ended(row, d.explode(p))
		}
	}
	return d.ended(row, d.object(d.root, row, p))
}

func (d *jsonDecoder) moreRoom() {
	d.room = 2*d.row + 8
	for _, c := range d.cols {
		c.grow(d.room)
	}
}

// ended concludes a record whose object in row ended at q (-1: it failed).
func (d *jsonDecoder) ended(row, q int) bool {
	if q < 0 {
		return d.giveUp(row)
	}
	if d.row == row { // explode counts its rows itself
		if q > 0 {
			d.row++
		}
	}
	return true
}

// giveUp takes back the rows from the row on. Where errors are ignored, whole rows before the
// mistake stay.
func (d *jsonDecoder) giveUp(row int) bool {
	keep := row
	if d.conf.ignoreErrors {
		keep = d.row
	}
	d.takeBack(keep)
	return d.conf.ignoreErrors
}

// takeBack forgets the rows from keep on, and the one begun.
func (d *jsonDecoder) takeBack(keep int) {
	for _, c := range d.cols {
		c.truncate(keep, d.row+1)
	}
	if d.track {
		d.root.unnote(keep, d.row+1)
	}
	d.row = keep
}

// unnote drops the notes of explicit NULLs in rows [lo, hi).
func (o *jsonObject) unnote(lo, hi int) {
	for _, f := range o.fields {
		for r := lo; r < hi && r>>3 < len(f.nulls); r++ {
			f.nulls.Clear(r)
		}
		if f.obj != nil {
			f.obj.unnote(lo, hi)
		}
	}
}

// explode makes a row of each object of an array. It gives 0: the rows are counted already.
func (d *jsonDecoder) explode(p int) int {
	p = space(d.b, p+1)
	if p < len(d.b) && d.b[p] == ']' {
		return 0
	}
	for {
		if d.row >= d.room {
			d.moreRoom()
		}
		if p = d.object(d.root, d.row, p); p < 0 {
			return -1
		}
		d.row++
		p = space(d.b, p)
		if p >= len(d.b) {
			return d.malformed(p, "',' or ']'")
		}
		if d.b[p] == ']' {
			return 0
		}
		if d.b[p] != ',' {
			return d.malformed(p, "',' or ']'")
		}
		p = space(d.b, p+1)
	}
}

// object parses an object at p into row r.
func (d *jsonDecoder) object(o *jsonObject, r, p int) int {
	if p >= len(d.b) || d.b[p] != '{' {
		return d.malformed(p, "an object")
	}
	if o.slots != nil && !o.relearn {
		q, done := d.fast(o, r, p)
		if done || q < 0 {
			return q
		}
		if q > p {
			return d.rest(o, r, q)
		}
	}
	learn, marks := o.relearn, len(d.marks)
	o.relearn = false
	q := space(d.b, p+1)
	if q < len(d.b) && d.b[q] == '}' {
		return d.missing(o, r, q+1)
	}
	q = d.members(o, r, q, learn)
	if learn {
		if q > 0 {
			o.install(d.b, p, q, d.marks[marks:], d.conf.failOnMissing)
		}
		d.marks = d.marks[:marks]
	}
	return q
}

// rest goes on behind a value of an object.
func (d *jsonDecoder) rest(o *jsonObject, r, p int) int {
	p = space(d.b, p)
	if p >= len(d.b) {
		return d.malformed(p, "',' or '}'")
	}
	switch d.b[p] {
	case '}':
		return d.missing(o, r, p+1)
	case ',':
		return d.members(o, r, space(d.b, p+1), false)
	}
	return d.malformed(p, "',' or '}'")
}

// members parses "key": value, ... to the closing brace.
func (d *jsonDecoder) members(o *jsonObject, r, p int, learn bool) int {
	guess := 0
	for {
		key, q := d.key(p)
		if q < 0 {
			return -1
		}
		f := o.find(key, &guess)
		if f == nil {
			if p = skip(d.b, q, 1); p < 0 {
				return d.malformed(q, "a value")
			}
		} else if p = d.fastValue(f, f.op, q, r); p < 0 || p > len(d.b) {
			if p = d.value(f, r, q); p < 0 {
				return -1
			}
		}
		if learn {
			d.marks = append(d.marks, jsonMark{value: q, end: p, f: f})
		}
		p = space(d.b, p)
		if p >= len(d.b) {
			return d.malformed(p, "',' or '}'")
		}
		if d.b[p] == '}' {
			return d.missing(o, r, p+1)
		}
		if d.b[p] != ',' {
			return d.malformed(p, "',' or '}'")
		}
		p = space(d.b, p+1)
	}
}

// key reads a key and its colon and gives the place of the value.
func (d *jsonDecoder) key(p int) ([]byte, int) {
	if p >= len(d.b) || d.b[p] != '"' {
		return nil, d.malformed(p, "a key in double quotes")
	}
	from := p + 1
	q := plainString(d.b, from)
	key := d.b[from:max(q, from)]
	if q < 0 {
		var esc bool
		if q, esc = closingQuote(d.b, from); q < 0 {
			return nil, d.malformed(p, "a key in double quotes")
		}
		if key = d.b[from:q]; esc {
			key = unescape(nil, key)
		}
		if !utf8.Valid(key) {
			return nil, d.malformed(p, "a key in UTF-8")
		}
	}
	p = space(d.b, q+1)
	if p >= len(d.b) || d.b[p] != ':' {
		return nil, d.malformed(p, "':'")
	}
	return key, space(d.b, p+1)
}

// find gives the field of that name, trying first the one after the last found.
func (o *jsonObject) find(key []byte, guess *int) *jsonField {
	if g := *guess; g < len(o.fields) && string(key) == o.fields[g].name {
		*guess = g + 1
		return o.fields[g]
	}
	i, ok := o.byName[string(key)]
	if !ok {
		return nil
	}
	*guess = i + 1
	return o.fields[i]
}

// present tells whether row r had a value or, where that is tracked, an explicit NULL.
func (f *jsonField) present(r int) bool {
	return f.c.has(r) || r>>3 < len(f.nulls) && f.nulls[r>>3]&(1<<(r&7)) != 0
}

// null notes an explicit NULL.
func (f *jsonField) null(r int) {
	for len(f.nulls) <= r>>3 {
		f.nulls = append(f.nulls, 0)
	}
	f.nulls[r>>3] |= 1 << (r & 7)
}

// missing checks that all fields were there, where that is asked for.
func (d *jsonDecoder) missing(o *jsonObject, r, end int) int {
	if !d.conf.failOnMissing {
		return end
	}
	for _, f := range o.fields {
		if f.present(r) {
			continue
		}
		d.bad = fmt.Errorf("field %q is missing, and 'fail-on-missing-field' is true", f.path)
		return -1
	}
	return end
}

func (d *jsonDecoder) malformed(p int, want string) int {
	if p >= len(d.b) {
		d.bad = fmt.Errorf("malformed JSON: expected %s, found the end of the record", want)
	} else {
		d.bad = fmt.Errorf("malformed JSON: expected %s, found %s", want, excerpt(d.b[p:]))
	}
	return -1
}

// excerpt quotes the beginning of a text for a message.
func excerpt(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q...", b[:40])
	}
	return fmt.Sprintf("%q", b)
}
