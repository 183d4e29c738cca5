package format

import (
	"fmt"
	"regexp"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

type cdcFilter struct {
	key  string
	re   *regexp.Regexp
	miss bool // the current record has another value
}

// cdcRow is a row to give: the row number in the columns, and the row that fills in the keys it lacks.
type cdcRow struct {
	kind      types.RowKind
	row, fill int32 // fill -1 is none
	record    int32
}

// span is rows [lo, hi) in the columns; ok says that the key was there and not null.
type span struct {
	lo, hi int
	ok     bool
}

// cdcDecoder reads the rows of change records straight into columns in the order of the text, and
// puts them in the order of the changes at the end, which is mostly the same.
type cdcDecoder struct {
	j       *jsonDecoder
	layout  *cdcLayout
	schema  bool
	filters []cdcFilter
	rows    []cdcRow

	op       cdcOp
	opText   string
	now, old span
}

// Decode implements connectors.Decoder.
func (d *cdcDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	*out = connectors.Decoded{}
	d.j.reset(hi - lo)
	d.rows = d.rows[:0]
	for i := lo; i < hi; i++ {
		from, given := d.j.row, len(d.rows)
		end := int(c.End[i])
		d.j.b, d.j.wide = c.Data[:end], c.Data[:min(end+8, len(c.Data))]
		if err := d.record(int(c.Beg[i]), int32(i)); err != nil {
			d.j.takeBack(from)
			d.rows = d.rows[:given]
			if !d.j.conf.ignoreErrors {
				out.Rejects = append(out.Rejects, connectors.Reject{Record: i, Err: fmt.Errorf("%s record: %w", d.layout.name, err)})
			}
		}
	}
	d.finish(out)
	return nil
}

// finish gathers the rows.
func (d *cdcDecoder) finish(out *connectors.Decoded) {
	out.N = len(d.rows)
	out.Kinds = make([]types.RowKind, out.N)
	out.Record = make([]int32, out.N)
	same := out.N == d.j.row
	fill := false
	for i, r := range d.rows {
		out.Kinds[i], out.Record[i] = r.kind, r.record
		same = same && int(r.row) == i && r.fill < 0
		fill = fill || r.fill >= 0
	}
	var idx []int32
	if !same {
		idx = make([]int32, out.N)
		for i, r := range d.rows {
			idx[i] = r.row
		}
	}
	out.Cols = make([]arrow.Array, len(d.j.cols))
	for k, f := range d.j.root.fields {
		at := idx
		if fill {
			at = make([]int32, out.N)
			for i, r := range d.rows {
				if at[i] = r.row; r.fill >= 0 && !f.present(int(r.row)) {
					at[i] = r.fill
				}
			}
		}
		out.Cols[k] = f.c.finish(d.j.row)
		if !same {
			out.Cols[k] = vec.Take(out.Cols[k], at)
		}
	}
}

// record reads one record; an empty one (a tombstone) gives nothing.
func (d *cdcDecoder) record(p int, index int32) error {
	if p == len(d.j.b) {
		return nil
	}
	d.op, d.opText, d.now, d.old, d.j.bad = cdcUnknown, "", span{}, span{}, nil
	for i := range d.filters {
		d.filters[i].miss = true
	}
	p = space(d.j.b, p)
	if d.schema {
		p = d.object(p, func(key []byte, p int) int {
			if string(key) == "payload" {
				return d.object(p, d.member)
			}
			return d.skip(p)
		})
	} else {
		p = d.object(p, d.member)
	}
	if p < 0 {
		return d.j.bad
	}
	for _, f := range d.filters {
		if f.miss {
			return nil
		}
	}
	return d.change(index)
}

// object calls member for each key of an object; member gives the place behind the value.
func (d *cdcDecoder) object(p int, member func(key []byte, p int) int) int {
	b := d.j.b
	if p >= len(b) || b[p] != '{' {
		return d.j.malformed(p, "an object")
	}
	p = space(b, p+1)
	if p < len(b) && b[p] == '}' {
		return p + 1
	}
	for {
		key, q := d.j.key(p)
		if q < 0 {
			return -1
		}
		if p = member(key, q); p < 0 {
			return -1
		}
		p = space(b, p)
		if p >= len(b) || b[p] != ',' && b[p] != '}' {
			return d.j.malformed(p, "',' or '}'")
		}
		if b[p] == '}' {
			return p + 1
		}
		p = space(b, p+1)
	}
}

func (d *cdcDecoder) skip(p int) int {
	q := skip(d.j.b, p, 1)
	if q < 0 {
		return d.j.malformed(p, "a value")
	}
	return q
}

// member reads one key of the envelope.
func (d *cdcDecoder) member(key []byte, p int) int {
	switch string(key) {
	case d.layout.newKey:
		return d.side(&d.now, p)
	case d.layout.oldKey:
		return d.side(&d.old, p)
	case d.layout.opKey:
		return d.word(p, func(text []byte) {
			d.op = d.layout.ops[string(text)]
			if d.op == cdcUnknown {
				d.opText = string(text)
			}
		})
	}
	for i := range d.filters {
		if f := &d.filters[i]; f.key == string(key) {
			return d.word(p, func(text []byte) { f.miss = !f.re.Match(text) })
		}
	}
	return d.skip(p)
}

// word reads a string; anything else is passed over.
func (d *cdcDecoder) word(p int, use func([]byte)) int {
	if p < len(d.j.b) && d.j.b[p] == '"' {
		t, q := d.j.scalar(p)
		if q >= 0 {
			use(t.text)
		}
		return q
	}
	return d.skip(p)
}

// side reads the row, or the array of rows, before or after the change.
func (d *cdcDecoder) side(s *span, p int) int {
	b := d.j.b
	*s = span{lo: d.j.row, hi: d.j.row}
	if q := word(b, p, "null"); q >= 0 {
		return q
	}
	s.ok = true
	if !d.layout.list {
		p = d.row(p)
		s.hi = d.j.row
		return p
	}
	if p >= len(b) || b[p] != '[' {
		return d.j.malformed(p, "an array of rows")
	}
	p = space(b, p+1)
	if p < len(b) && b[p] == ']' {
		return p + 1
	}
	for {
		if p = d.row(p); p < 0 {
			return -1
		}
		s.hi = d.j.row
		p = space(b, p)
		if p >= len(b) || b[p] != ',' && b[p] != ']' {
			return d.j.malformed(p, "',' or ']'")
		}
		if b[p] == ']' {
			return p + 1
		}
		p = space(b, p+1)
	}
}

func (d *cdcDecoder) row(p int) int {
	if d.j.row >= d.j.room {
		d.j.moreRoom()
	}
	p = d.j.object(d.j.root, d.j.row, p)
	d.j.row++
	return p
}

// change makes rows of what the record says.
func (d *cdcDecoder) change(index int32) error {
	l := d.layout
	need := func(s span, key string) error {
		if s.ok {
			return nil
		}
		if l == debezium && key == l.oldKey {
			return fmt.Errorf("an update or delete has no %q row; a PostgreSQL table needs REPLICA IDENTITY FULL", key)
		}
		return fmt.Errorf("there is no row under %q", key)
	}
	give := func(kind types.RowKind, row, fill int) {
		d.rows = append(d.rows, cdcRow{kind, int32(row), int32(fill), index})
	}
	switch d.op {
	case cdcInsert:
		for r := d.now.lo; r < d.now.hi; r++ {
			give(types.Insert, r, -1)
		}
		return need(d.now, l.newKey)
	case cdcDelete:
		s, key := d.old, l.oldKey
		if l.partial {
			s, key = d.now, l.newKey
		}
		for r := s.lo; r < s.hi; r++ {
			give(types.Delete, r, -1)
		}
		return need(s, key)
	case cdcUpdate:
		if err := need(d.now, l.newKey); err != nil {
			return err
		}
		if err := need(d.old, l.oldKey); err != nil {
			return err
		}
		if d.old.hi-d.old.lo != d.now.hi-d.now.lo {
			return fmt.Errorf("an update has %d rows under %q but %d under %q", d.now.hi-d.now.lo, l.newKey, d.old.hi-d.old.lo, l.oldKey)
		}
		for i := range d.now.hi - d.now.lo {
			fill := -1
			if l.partial {
				fill = d.now.lo + i
			}
			give(types.UpdateBefore, d.old.lo+i, fill)
			give(types.UpdateAfter, d.now.lo+i, -1)
		}
		return nil
	case cdcSkip:
		return nil
	}
	if d.opText == "" {
		return fmt.Errorf("there is no %q", l.opKey)
	}
	return fmt.Errorf("%q is %q, which is not known", l.opKey, d.opText)
}
