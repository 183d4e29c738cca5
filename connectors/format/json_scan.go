package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanning primitives. Each takes the text and a place in it and gives the place behind what it read,
// or -1. The fast ones may read up to eight bytes past the record; their callers check.

const (
	swarLow   = 0x0101010101010101
	swarHigh  = 0x8080808080808080
	swarQuote = swarLow * '"'
	swarSlash = swarLow * '\\'
	maxDepth  = 1000 // of nested values, as in Flink's parser
)

// plainString finds the closing quote of a string at p (behind the opening one) if it is ASCII
// without escapes before; -1 sends to the slow way.
func plainString(b []byte, p int) int {
	for ; p+8 <= len(b); p += 8 {
		w := binary.LittleEndian.Uint64(b[p:])
		x, y := w^swarQuote, w^swarSlash
		if m := ((x-swarLow)&^x | (y-swarLow)&^y | w) & swarHigh; m != 0 {
			if p += bits.TrailingZeros64(m) >> 3; b[p] == '"' {
				return p
			}
			return -1
		}
	}
	for ; p < len(b); p++ {
		if c := b[p]; c == '"' {
			return p
		} else if c == '\\' || c >= 0x80 {
			return -1
		}
	}
	return -1
}

// closingQuote finds the closing quote of a string at p, passing over escapes; esc tells whether
// there are any.
func closingQuote(b []byte, p int) (q int, esc bool) {
	for {
		for ; p+8 <= len(b); p += 8 {
			w := binary.LittleEndian.Uint64(b[p:])
			x, y := w^swarQuote, w^swarSlash
			if m := ((x-swarLow)&^x | (y-swarLow)&^y) & swarHigh; m != 0 {
				p += bits.TrailingZeros64(m) >> 3
				break
			}
		}
		for p < len(b) && b[p] != '"' && b[p] != '\\' {
			p++
		}
		if p >= len(b) {
			return -1, esc
		}
		if b[p] == '"' {
			return p, esc
		}
		esc = true
		if p = escape(b, p); p < 0 {
			return -1, esc
		}
	}
}

// escape passes over an escape sequence.
func escape(b []byte, p int) int {
	if p+1 >= len(b) {
		return -1
	}
	switch b[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2
	case 'u':
		if _, ok := hex4(b, p+2); ok {
			return p + 6
		}
	}
	return -1
}

func hex4(b []byte, p int) (rune, bool) {
	if p+4 > len(b) {
		return 0, false
	}
	var v rune
	for _, c := range b[p : p+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends a string's text, its escapes resolved. A lone surrogate becomes '?', as in Java.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if s[i+1] != 'u' {
			dst = append(dst, unescaped[s[i+1]])
			i += 2
			continue
		}
		r, _ := hex4(s, i+2)
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
				low, _ = hex4(s, i+2)
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				r = '?'
			} else {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// fastInt reads a whole number of at most 18 digits, -1 for anything else.
func fastInt(b []byte, p int) (int64, int) {
	neg := p < len(b) && b[p] == '-'
	if neg {
		p++
	}
	from := p
	v := int64(0)
	for p < len(b) {
		c := b[p] - '0'
		if c > 9 {
			break
		}
		v = v*10 + int64(c)
		p++
	}
	n := p - from
	if n-1 > 17 || n < 1 || b[from] == '0' && n > 1 || p < len(b) && (b[p] == '.' || b[p]|0x20 == 'e') {
		return 0, -1
	}
	if neg {
		v = -v
	}
	return v, p
}

var pow10f = [23]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// fastFloat reads a number without exponent whose digits fit 53 bits: dividing by an exact power of
// ten then rounds exactly once. -1 for anything else.
func fastFloat(b []byte, p int) (float64, int) {
	neg := p < len(b) && b[p] == '-'
	if neg {
		p++
	}
	from := p
	v := uint64(0)
	for p < len(b) {
		c := b[p] - '0'
		if c > 9 {
			break
		}
		v = v*10 + uint64(c)
		p++
	}
	whole := p - from
	if whole == 0 || b[from] == '0' && whole > 1 {
		return 0, -1
	}
	frac := 0
	if p < len(b) && b[p] == '.' {
		p++
		dot := p
		for p < len(b) {
			c := b[p] - '0'
			if c > 9 {
				break
			}
			v = v*10 + uint64(c)
			p++
		}
		if frac = p - dot; frac == 0 {
			return 0, -1
		}
	}
	if whole+frac > 18 || v > 1<<53 || p < len(b) && b[p]|0x20 == 'e' {
		return 0, -1
	}
	f := float64(v)
	if frac > 0 {
		f /= pow10f[frac]
	}
	if neg {
		f = -f
	}
	return f, p
}

// number passes over a number as JSON's grammar has it; float tells of a fraction or exponent.
func number(b []byte, p int) (q int, float bool) {
	if p < len(b) && b[p] == '-' {
		p++
	}
	from := p
	p = digitsEnd(b, p)
	if p == from || b[from] == '0' && p > from+1 {
		return -1, false
	}
	if p < len(b) && b[p] == '.' {
		float = true
		from = p + 1
		if p = digitsEnd(b, from); p == from {
			return -1, true
		}
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		float = true
		from = p + 1
		if from < len(b) && (b[from] == '+' || b[from] == '-') {
			from++
		}
		if p = digitsEnd(b, from); p == from {
			return -1, true
		}
	}
	return p, float
}

func digitsEnd(b []byte, p int) int {
	for p < len(b) && b[p]-'0' <= 9 {
		p++
	}
	return p
}

func space(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\t' || b[p] == '\n' || b[p] == '\r') {
		p++
	}
	return p
}

func word(b []byte, p int, w string) int {
	if len(b)-p >= len(w) && string(b[p:p+len(w)]) == w {
		return p + len(w)
	}
	return -1
}

// skip passes over any value, checking its grammar.
func skip(b []byte, p, depth int) int {
	if p >= len(b) || depth > maxDepth {
		return -1
	}
	switch c := b[p]; c {
	case '"':
		q, _ := closingQuote(b, p+1)
		if q < 0 {
			return -1
		}
		return q + 1
	case 't':
		return word(b, p, "true")
	case 'f':
		return word(b, p, "false")
	case 'n':
		return word(b, p, "null")
	case '{', '[':
		return skipNested(b, p, depth)
	default:
		q, _ := number(b, p)
		return q
	}
}

func skipNested(b []byte, p, depth int) int {
	object := b[p] == '{'
	closer := b[p] + 2 // '{' and '}', '[' and ']' are two apart
	p = space(b, p+1)
	if p < len(b) && b[p] == closer {
		return p + 1
	}
	for {
		if object {
			if p >= len(b) || b[p] != '"' {
				return -1
			}
			q, _ := closingQuote(b, p+1)
			if q < 0 {
				return -1
			}
			if p = space(b, q+1); p >= len(b) || b[p] != ':' {
				return -1
			}
			p = space(b, p+1)
		}
		if p = skip(b, p, depth+1); p < 0 {
			return -1
		}
		if p = space(b, p); p >= len(b) {
			return -1
		}
		if b[p] == closer {
			return p + 1
		}
		if b[p] != ',' {
			return -1
		}
		p = space(b, p+1)
	}
}
