package format

// fast decodes a record by the template. It gives done, or the place where the general parser must go
// on (behind a value; at p itself, where nothing matched), or -1 where the record is bad.
func (d *jsonDecoder) fast(data []byte, p, end int) (done bool, at int) {
	// Scanners may look past the record's end, to read words at a time; q > end tells that one did.
	b := data[:min(end+8, len(data))]
	start, r := p, d.row
	for i := range d.slots {
		s := &d.slots[i]
		n := len(s.sep)
		if end-p < n || string(b[p:p+n]) != s.sep {
			d.miss()
			if i == 0 {
				return false, start
			}
			return false, p
		}
		p += n
		q := d.fastValue(s, b, p, r)
		if q < 0 || q > end {
			if q = d.slowValue(s, data[:end], p, r); q < 0 {
				return false, -1
			}
		}
		p = q
	}
	if n := len(d.tail); end-p < n || string(b[p:p+n]) != d.tail {
		d.miss()
		return false, p
	}
	d.hits++
	d.row++
	return true, 0
}

// fastValue reads a value of the commonest spelling; -1 sends to slowValue.
func (d *jsonDecoder) fastValue(s *jsonSlot, b []byte, p, r int) int {
	c := s.f.c
	switch s.op {
	case opInt:
		v, q := fastInt(b, p)
		if q >= 0 && v == int64(int32(v)) {
			c.i32[r] = int32(v)
			c.mark(r)
			return q
		}
	case opLong:
		v, q := fastInt(b, p)
		if q >= 0 {
			c.i64[r] = v
			c.mark(r)
		}
		return q
	case opDouble:
		v, q := fastFloat(b, p)
		if q >= 0 {
			c.f64[r] = v
			c.mark(r)
		}
		return q
	case opString:
		if p < len(b) && b[p] == '"' {
			if q := plainString(b, p+1); q >= 0 {
				if c.next == r {
					c.start[r] = int32(len(c.data))
					c.next++
					c.mark(r)
				} else {
					c.begin(r)
				}
				c.data = append(c.data, b[p+1:q]...)
				return q + 1
			}
		}
	case opTime:
		v, q := d.days.quoted(b, p, d.conf.style, s.f.ltz)
		if q >= 0 {
			c.i64[r] = v
			c.mark(r)
		}
		return q
	case opSkip:
		if p < len(b) && b[p] == '"' {
			if q := plainString(b, p+1); q >= 0 {
				return q + 1
			}
		}
	}
	return -1
}

func (d *jsonDecoder) slowValue(s *jsonSlot, b []byte, p, r int) int {
	d.b = b
	p = space(b, p) // the template's record may have had no blank here
	if s.op == opSkip {
		q := skip(b, p, 1)
		if q < 0 {
			return d.malformed(p, "a value")
		}
		return q
	}
	return d.value(s.f, r, p)
}

// miss counts records that leave the template. It is learnt anew at the first, second, fourth, ...
// miss, so that a change of layout is followed and a wild mix of layouts costs little.
func (d *jsonDecoder) miss() {
	if d.hits > 1000 {
		d.misses, d.hits = 0, 0
	}
	d.misses++
	d.relearn = d.misses&(d.misses-1) == 0
}

// The template's bounds.
const (
	maxSlots    = 256
	maxSepBytes = 16 << 10
)

// noField stands where a slot's value is not wanted.
var noField = &jsonField{c: &col{}}

// install makes the record just parsed, from its beginning to the closing brace, the template. A
// record that repeats a wanted key is none: its template could not tell the repetition from a new row.
func (d *jsonDecoder) install(from, end int) {
	d.slots = nil
	if len(d.marks) == 0 || len(d.marks) > maxSlots || end-from > maxSepBytes {
		return
	}
	seen := map[*jsonField]bool{}
	slots := make([]jsonSlot, 0, len(d.marks))
	for _, m := range d.marks {
		s := jsonSlot{sep: string(d.b[from:m.to]), f: m.f}
		from = m.from
		if m.f == nil {
			s.f, s.op = noField, opSkip
		} else if seen[m.f] {
			return
		} else {
			seen[m.f], s.op = true, m.f.op
		}
		slots = append(slots, s)
	}
	if d.conf.failOnMissing && len(seen) < len(d.root.fields) {
		return
	}
	d.slots, d.tail = slots, string(d.b[from:end])
}
