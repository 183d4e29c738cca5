package fn

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is the kind of a JSON value.
type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonTrue
	jsonFalse
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// jsonValue is a parsed JSON value. Numbers keep their text, in the spelling of Java's BigDecimal.
type jsonValue struct {
	kind  jsonKind
	text  string // of a string (unescaped) or a number
	items []*jsonValue
	keys  []string // of an object, in order of appearance; each once
}

func (v *jsonValue) scalar() bool { return v.kind < jsonArray }

func (v *jsonValue) isNull() bool { return v == nil || v.kind == jsonNull }

// field finds a member of an object.
func (v *jsonValue) field(name string) *jsonValue {
	if v.kind == jsonObject {
		for i, k := range v.keys {
			if k == name {
				return v.items[i]
			}
		}
	}
	return nil
}

// jsonMaxDepth bounds the nesting of a JSON text.
const jsonMaxDepth = 1000

var errJSON = errors.New("not JSON")

// jsonParser reads JSON by the letter of RFC 8259.
type jsonParser struct {
	s     string
	i     int
	depth int
}

// parseJSON reads the first value of a text; what follows it is passed over, as in Flink.
func parseJSON(s string) (*jsonValue, error) {
	p := jsonParser{s: s}
	v, err := p.value()
	return p.finish(v, err)
}

// finish checks the end of the first value of a text.
func (p *jsonParser) finish(v *jsonValue, err error) (*jsonValue, error) {
	s := p.s
	if err != nil {
		return nil, fmt.Errorf("%w at offset %d: %.60q", errJSON, p.i, s)
	}
	if v != nil && v.kind == jsonNumber && p.i < len(s) && strings.IndexByte(" \t\r\n,]}", s[p.i]) < 0 {
		return nil, fmt.Errorf("%w at offset %d: %.60q", errJSON, p.i, s)
	}
	return v, nil
}

func (p *jsonParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *jsonParser) value() (*jsonValue, error) {
	p.space()
	if p.i >= len(p.s) {
		return nil, errJSON
	}
	switch c := p.s[p.i]; {
	case c == '{' || c == '[':
		if p.depth++; p.depth > jsonMaxDepth {
			return nil, errJSON
		}
		v, err := p.nested(c == '{')
		p.depth--
		return v, err
	case c == '"':
		text, err := p.str()
		return &jsonValue{kind: jsonString, text: text}, err
	case c == '-' || isDigitByte(c):
		return p.num()
	}
	for kind, word := range [...]string{"null", "true", "false"} {
		if rest, ok := strings.CutPrefix(p.s[p.i:], word); ok && (rest == "" || !isWordByte(rest[0])) {
			p.i += len(word)
			return &jsonValue{kind: jsonKind(kind)}, nil
		}
	}
	return nil, errJSON
}

func isWordByte(c byte) bool { return isLetterByte(c) || isDigitByte(c) || c == '_' || c == '$' }

// nested reads an object or an array.
func (p *jsonParser) nested(object bool) (*jsonValue, error) {
	v, end := &jsonValue{kind: jsonArray}, byte(']')
	if object {
		v.kind, end = jsonObject, '}'
	}
	p.i++
	if p.space(); p.i < len(p.s) && p.s[p.i] == end {
		p.i++
		return v, nil
	}
	for {
		key := ""
		if object {
			var err error
			if key, err = p.key(); err != nil {
				return nil, err
			}
		}
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		v.add(object, key, item)
		if p.space(); p.i >= len(p.s) {
			return nil, errJSON
		}
		c := p.s[p.i]
		p.i++
		if c == end {
			return v, nil
		}
		if c != ',' {
			return nil, errJSON
		}
	}
}

// add appends an item; of equal keys the last counts, at the first's place.
func (v *jsonValue) add(object bool, key string, item *jsonValue) {
	if object {
		for i, k := range v.keys {
			if k == key && len(v.keys) < 64 {
				v.items[i] = item
				return
			}
		}
		v.keys = append(v.keys, key)
	}
	v.items = append(v.items, item)
}

func (p *jsonParser) key() (string, error) {
	if p.space(); p.i >= len(p.s) || p.s[p.i] != '"' {
		return "", errJSON
	}
	key, err := p.str()
	if err != nil {
		return "", err
	}
	if p.space(); p.i >= len(p.s) || p.s[p.i] != ':' {
		return "", errJSON
	}
	p.i++
	return key, nil
}

// str reads a quoted text, whose quote is the next byte.
func (p *jsonParser) str() (string, error) {
	start := p.i + 1
	for i := start; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.i = i + 1
			return p.s[start:i], nil
		case c == '\\':
			return p.escaped(start, i)
		case c < 0x20:
			return "", errJSON
		}
	}
	return "", errJSON
}

// escaped goes on with a text in which the first escape is at i.
func (p *jsonParser) escaped(start, i int) (string, error) {
	out := append(make([]byte, 0, 2*(i-start)+16), p.s[start:i]...)
	for i < len(p.s) {
		c := p.s[i]
		switch {
		case c == '"':
			p.i = i + 1
			return string(out), nil
		case c < 0x20:
			return "", errJSON
		case c != '\\':
			out = append(out, c)
			i++
		default:
			r, n, ok := unescape(p.s[i:])
			if !ok {
				return "", errJSON
			}
			out = utf8.AppendRune(out, r)
			i += n
		}
	}
	return "", errJSON
}

// unescape reads the escape at the start of s.
func unescape(s string) (r rune, n int, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	if at := strings.IndexByte(`"\/bfnrt`, s[1]); at >= 0 {
		return rune("\"\\/\b\f\n\r\t"[at]), 2, true
	}
	r, ok = hexRune(s)
	if !ok {
		return 0, 0, false
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hexRune(s[6:]); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, 12, true
			}
		}
		return utf8.RuneError, 6, true
	}
	return r, 6, true
}

func hexRune(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 32)
	return rune(n), err == nil
}

func (p *jsonParser) digits() int {
	start := p.i
	for p.i < len(p.s) && isDigitByte(p.s[p.i]) {
		p.i++
	}
	return p.i - start
}

func (p *jsonParser) num() (*jsonValue, error) {
	text, whole, err := p.numText()
	switch {
	case err != nil:
		return nil, err
	case text == "-0":
		text = "0"
	case !whole:
		text = string(appendBigDecimal(nil, text))
	}
	return &jsonValue{kind: jsonNumber, text: text}, nil
}

// numText passes over a number; whole says that it has neither point nor exponent.
func (p *jsonParser) numText() (text string, whole bool, err error) {
	start := p.i
	whole = true
	if p.s[p.i] == '-' {
		p.i++
	}
	lead := p.i
	if n := p.digits(); n == 0 || n > 1 && p.s[lead] == '0' {
		return "", false, errJSON
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		if whole = false; p.digits() == 0 {
			return "", false, errJSON
		}
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if whole = false; p.digits() == 0 {
			return "", false, errJSON
		}
	}
	return p.s[start:p.i], whole, nil
}

// appendBigDecimal spells a decimal number as Java's BigDecimal: plain, but with an exponent where
// the number was written with one that leaves it no digits after the point, or is very small.
func appendBigDecimal(dst []byte, text string) []byte {
	text, neg := strings.CutPrefix(text, "-")
	mantissa, exp := text, 0
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		mantissa = text[:e]
		exp, _ = strconv.Atoi(text[e+1:])
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+frac, "0")
	if digits == "" {
		digits, neg = "0", false
	}
	if neg {
		dst = append(dst, '-')
	}
	scale := len(frac) - exp
	adjusted := len(digits) - 1 - scale
	switch {
	case scale == 0:
		return append(dst, digits...)
	case scale > 0 && adjusted >= -6:
		if pad := scale + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		dst = append(append(dst, digits[:len(digits)-scale]...), '.')
		return append(dst, digits[len(digits)-scale:]...)
	}
	if dst = append(dst, digits[0]); len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	if dst = append(dst, 'E'); adjusted > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(adjusted), 10)
}

// appendJSON writes a value compactly, the keys of objects in order.
func appendJSON(dst []byte, v *jsonValue) []byte {
	switch v.kind {
	case jsonNull:
		return append(dst, "null"...)
	case jsonTrue:
		return append(dst, "true"...)
	case jsonFalse:
		return append(dst, "false"...)
	case jsonNumber:
		return append(dst, v.text...)
	case jsonString:
		return appendJSONString(dst, v.text)
	case jsonArray:
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, item)
		}
		return append(dst, ']')
	}
	order := make([]int, len(v.keys))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return v.keys[order[a]] < v.keys[order[b]] })
	dst = append(dst, '{')
	for i, k := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, v.keys[k]), ':')
		dst = appendJSON(dst, v.items[k])
	}
	return append(dst, '}')
}

// appendJSONString writes a quoted text.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		default:
			if at := strings.IndexByte("\b\f\n\r\t", c); at >= 0 {
				dst = append(dst, '\\', "bfnrt"[at])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&15])
			}
		}
	}
	return append(dst, '"')
}
