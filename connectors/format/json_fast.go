package format

// jsonTemplate is the layout of the objects of one place: the bytes between their values.
type jsonTemplate struct {
	slots   []jsonSlot
	tail    string // behind the last value, with the closing brace
	misses  int
	hits    int
	relearn bool // the next object is to become the template
}

// jsonSlot is one value of the template: the bytes before it, and where it goes.
type jsonSlot struct {
	sep string
	op  jsonOp
	f   *jsonField
}

// jsonMark is a value while its object is being learnt: where it is, and of which field.
type jsonMark struct {
	value, end int
	f          *jsonField
}

// fast decodes an object by its template. It gives the place behind it, and true; or the place behind
// the last value that matched, where the general parser must go on (p itself, where nothing did); or -1
// where the record is bad.
func (d *jsonDecoder) fast(o *jsonObject, r, p int) (at int, done bool) {
	b, end := d.wide, len(d.b)
	for i := range o.slots {
		s := &o.slots[i]
		n := len(s.sep)
		if end-p < n || string(b[p:p+n]) != s.sep {
			o.miss()
			return p, false
		}
		p += n
		q := d.fastValue(s.f, s.op, p, r)
		if q < 0 || q > end { // past the end: a scanner read on into the next record
			if q = d.slowValue(s, p, r); q < 0 {
				return -1, false
			}
		}
		p = q
	}
	if n := len(o.tail); end-p < n || string(b[p:p+n]) != o.tail {
		o.miss()
		return p, false
	}
	o.hits++
	return p + len(o.tail), true
}

// fastValue reads a value of the commonest spelling; -1 sends to value.
func (d *jsonDecoder) fastValue(f *jsonField, op jsonOp, p, r int) int {
	b, c := d.wide, f.c
	switch op {
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
				c.appendText(b, p+1, q)
				return q + 1
			}
		}
	case opTime:
		v, q := d.days.quoted(b, p, d.conf.style, f.ltz)
		if q >= 0 {
			c.i64[r] = v
			c.mark(r)
		}
		return q
	case opDecimal:
		return c.fastDecimal(b, p, r)
	case opSkip:
		if p < len(b) && b[p] == '"' {
			if q := plainString(b, p+1); q >= 0 {
				return q + 1
			}
		}
	}
	return -1
}

func (d *jsonDecoder) slowValue(s *jsonSlot, p, r int) int {
	p = space(d.b, p) // the template's object may have had no blank here
	if s.op == opSkip {
		q := skip(d.b, p, 1)
		if q < 0 {
			return d.malformed(p, "a value")
		}
		return q
	}
	return d.value(s.f, r, p)
}

// miss counts objects that leave the template. It is learnt anew at the first, second, fourth, ...
// miss, so that a change of layout is followed and a wild mix of layouts costs little.
func (t *jsonTemplate) miss() {
	if t.hits > 1000 {
		t.misses, t.hits = 0, 0
	}
	t.misses++
	t.relearn = t.misses&(t.misses-1) == 0
}

// The template's bounds.
const (
	maxSlots    = 256
	maxSepBytes = 16 << 10
)

// noField stands where a slot's value is not wanted.
var noField = &jsonField{c: &col{}}

// install makes the object b[from:end] the template. One that repeats a wanted key is none: its
// template could not tell the repetition from a new value.
func (o *jsonObject) install(b []byte, from, end int, marks []jsonMark, needAll bool) {
	o.slots = nil
	if len(marks) > maxSlots || end-from > maxSepBytes {
		return
	}
	seen := map[*jsonField]bool{}
	slots := make([]jsonSlot, 0, len(marks))
	for _, m := range marks {
		s := jsonSlot{sep: string(b[from:m.value]), f: m.f}
		from = m.end
		if m.f == nil {
			s.f, s.op = noField, opSkip
		} else if seen[m.f] {
			return
		} else {
			seen[m.f], s.op = true, m.f.op
		}
		slots = append(slots, s)
	}
	if needAll && len(seen) < len(o.fields) {
		return
	}
	o.slots, o.tail = slots, string(b[from:end])
}
