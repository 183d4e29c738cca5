package format

import (
	"bytes"
	"fmt"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
)

var csvFormat = Format{
	Name: "csv",
	Doc: "Reads and writes lines of values, in the order of the table's columns. A value in quotes may hold delimiters and line feeds; a quote in it is doubled. " +
		"There is no header: with `'csv.ignore-parse-errors' = 'true'` one is read as a row. An empty value is the empty string in a STRING column and an error in others, unless `csv.null-literal` is the empty string.",
	Example: "'format' = 'csv',\n  'csv.field-delimiter' = ';',\n  'csv.null-literal' = 'NULL'",
	New:     func() Config { return new(csvConfig) },
}

type csvConfig struct {
	appendOnly
	delimiter    string
	quote        string
	noQuote      bool
	escape       string
	elementDelim string
	nullLiteral  string
	hasNull      bool
	comments     bool
	ignoreErrors bool
	scientific   bool

	sep, quoteByte, escapeByte byte // 0 is none
}

// Options implements option.Config.
func (c *csvConfig) Options(o *option.Set) {
	o.String(&c.delimiter, "field-delimiter", ",", "One character between values; `\\t` is a tab.")
	o.String(&c.quote, "quote-character", "\"", "One character around values.")
	o.Bool(&c.noQuote, "disable-quote-character", false, "Quotes mean nothing; values cannot hold delimiters.")
	o.String(&c.escape, "escape-character", "", "One character that takes its meaning from the next.")
	o.String(&c.elementDelim, "array-element-delimiter", ";", "Text between the elements of an ARRAY or ROW.")
	o.Func("null-literal", "string", "", "A value spelled so is NULL.", func(text string) error {
		c.nullLiteral, c.hasNull = text, true
		return nil
	})
	o.Bool(&c.comments, "allow-comments", false, "Lines that begin with # are passed over.")
	o.Bool(&c.ignoreErrors, "ignore-parse-errors", false, "A value that does not fit its column is NULL, and a line that is no CSV is dropped, instead of failing.")
	o.Bool(&c.scientific, "write-bigdecimal-in-scientific-notation", true, "Write DECIMAL as `1E+2` where that is its shortest spelling; else plain.")
}

// resolve derives the characters from the options' texts.
func (c *csvConfig) resolve() error {
	one := func(key, text string, dst *byte) error {
		switch text {
		case "":
			*dst = 0
			return nil
		case `\t`:
			text = "\t"
		case `\\`:
			text = `\`
		}
		if len(text) != 1 || text[0] >= 0x80 {
			return fmt.Errorf("option \"csv.%s\" must be one ASCII character, not %q", key, text)
		}
		*dst = text[0]
		return nil
	}
	if c.noQuote {
		c.quote = ""
	}
	if err := one("field-delimiter", c.delimiter, &c.sep); err != nil {
		return err
	}
	if c.sep == 0 {
		return fmt.Errorf("option \"csv.field-delimiter\" must be one character")
	}
	if err := one("quote-character", c.quote, &c.quoteByte); err != nil {
		return err
	}
	return one("escape-character", c.escape, &c.escapeByte)
}

// Framing implements Config: records end at line feeds outside of quotes.
func (c *csvConfig) Framing() Framing {
	if c.resolve() != nil {
		return Lines{} // Decoder tells the error
	}
	return csvFraming{c}
}

type csvFraming struct{ c *csvConfig }

// Next implements Framing.
func (f csvFraming) Next(data []byte, from int, final bool) (end, next int) {
	lf := bytes.IndexByte(data[from:], '\n')
	line := data[from:]
	if lf >= 0 {
		line = line[:lf]
	} else if !final {
		return -1, -1
	}
	if f.c.comment(line) {
		return -1, min(from+len(line)+1, len(data))
	}
	if f.c.quoteByte == 0 && f.c.escapeByte == 0 || bytes.IndexByte(line, f.c.quoteByte) < 0 && (f.c.escapeByte == 0 || bytes.IndexByte(line, f.c.escapeByte) < 0) {
		return Lines{}.Next(data, from, final)
	}
	s := csvScanner{c: f.c, b: data, p: from}
	for {
		switch s.field(false) {
		case csvMore:
		case csvEnd:
			if s.p >= len(data) && !final {
				return -1, -1
			}
			return chomp(data, from, s.p), min(s.p+1, len(data))
		default: // a quote that is not closed, or text behind a quoted value
			if s.p >= len(data) {
				if !final {
					return -1, -1
				}
				return len(data), len(data)
			}
			return s.restOfLine(data, from, final)
		}
	}
}

// restOfLine ends a broken record at the next line feed.
func (s *csvScanner) restOfLine(data []byte, from int, final bool) (end, next int) {
	lf := bytes.IndexByte(data[s.p:], '\n')
	if lf < 0 {
		if !final {
			return -1, -1
		}
		return len(data), len(data)
	}
	return chomp(data, from, s.p+lf), s.p + lf + 1
}

func (c *csvConfig) comment(line []byte) bool {
	if !c.comments {
		return false
	}
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && line[0] == '#'
}

// csvStep is what follows a value.
type csvStep uint8

const (
	csvMore csvStep = iota // another value
	csvEnd                 // the end of the record
	csvBad                 // broken quotes
)

// csvScanner takes a record apart. p is behind the last value; at its line feed or end of data
// where the record ended.
type csvScanner struct {
	c      *csvConfig
	b      []byte
	p      int
	text   []byte // of the last value, where it was asked for
	buf    []byte
	quoted bool
}

// field passes over a value and its delimiter.
func (s *csvScanner) field(want bool) csvStep {
	if s.quoted = s.c.quoteByte != 0 && s.p < len(s.b) && s.b[s.p] == s.c.quoteByte; s.quoted {
		return s.quotedField(want)
	}
	from := s.p
	plain := true
	if want {
		s.buf = s.buf[:0]
	}
	for ; s.p < len(s.b); s.p++ {
		ch := s.b[s.p]
		if ch == s.c.sep || ch == '\n' {
			break
		}
		if ch == s.c.escapeByte && s.c.escapeByte != 0 && s.p+1 < len(s.b) {
			if plain = false; want {
				s.buf = append(append(s.buf, s.b[from:s.p]...), csvUnescape(s.b[s.p+1]))
			}
			s.p++
			from = s.p + 1
		}
	}
	if want {
		if s.text = s.b[from:s.p]; !plain {
			s.buf = append(s.buf, s.text...)
			s.text = s.buf
		}
	}
	return s.delimiter()
}

func csvUnescape(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func (s *csvScanner) quotedField(want bool) csvStep {
	s.p++
	s.buf = s.buf[:0]
	from := s.p
	for ; s.p < len(s.b); s.p++ {
		ch := s.b[s.p]
		switch {
		case ch == s.c.escapeByte && s.c.escapeByte != 0 && s.p+1 < len(s.b):
			if want {
				s.buf = append(append(s.buf, s.b[from:s.p]...), csvUnescape(s.b[s.p+1]))
			}
			s.p++
			from = s.p + 1
		case ch != s.c.quoteByte:
		case s.p+1 < len(s.b) && s.b[s.p+1] == s.c.quoteByte:
			if want {
				s.buf = append(s.buf, s.b[from:s.p+1]...)
			}
			s.p++
			from = s.p + 1
		default:
			if want {
				s.buf = append(s.buf, s.b[from:s.p]...)
				s.text = s.buf
			}
			s.p++
			for s.p < len(s.b) && (s.b[s.p] == ' ' || s.b[s.p] == '\r') {
				s.p++
			}
			return s.delimiter()
		}
	}
	return csvBad
}

func (s *csvScanner) delimiter() csvStep {
	switch {
	case s.p >= len(s.b) || s.b[s.p] == '\n':
		return csvEnd
	case s.b[s.p] == s.c.sep:
		s.p++
		return csvMore
	}
	return csvBad
}

// Decoder implements Config.
func (c *csvConfig) Decoder(want, all types.Schema, _ *connectors.Env) (connectors.Decoder, error) {
	if err := c.resolve(); err != nil {
		return nil, err
	}
	d := &csvDecoder{c: c, fields: make([]*csvField, len(all)), scan: csvScanner{c: c}}
	for _, w := range want {
		i := all.Index(w.Name)
		if i < 0 {
			return nil, fmt.Errorf("column %q is none of the table's", w.Name)
		}
		if err := csvTypeFits(w.Name, w.Type, 0); err != nil {
			return nil, err
		}
		f := &csvField{name: w.Name, typ: w.Type, c: newCol(w.Type)}
		d.fields[i] = f
		d.cols = append(d.cols, f.c)
	}
	return d, nil
}

// csvTypeFits tells what CSV cannot hold.
func csvTypeFits(name string, t types.Type, depth int) error {
	switch t.Kind {
	case types.Map, types.Multiset:
		return fmt.Errorf("column %q: CSV has no place for %s; use the format 'json'", name, t)
	case types.Array, types.Row:
		if depth > 0 {
			return fmt.Errorf("column %q: CSV takes an ARRAY or ROW of simple types only, not %s; use the format 'json'", name, t)
		}
	}
	if t.Elem != nil {
		return csvTypeFits(name, *t.Elem, depth+1)
	}
	for _, f := range t.Fields {
		if err := csvTypeFits(name+"."+f.Name, f.Type, depth+1); err != nil {
			return err
		}
	}
	return nil
}
