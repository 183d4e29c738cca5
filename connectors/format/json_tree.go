package format

import (
	"bytes"
	"math"
	"strconv"
)

// compact appends the value at p as JSON without blanks, spelled as Flink spells a parsed tree: numbers
// with a fraction or exponent as Java's doubles, the last of several equal keys in the first one's
// place. The value has been checked by skip.
func compact(dst, b []byte, p int) []byte {
	switch b[p] {
	case '{':
		return compactObject(dst, b, p)
	case '[':
		dst = append(dst, '[')
		for p = space(b, p+1); b[p] != ']'; {
			dst = compact(dst, b, p)
			if p = space(b, skip(b, p, 1)); b[p] == ',' {
				dst = append(dst, ',')
				p = space(b, p+1)
			}
		}
		return append(dst, ']')
	case '"':
		q, _ := closingQuote(b, p+1)
		return appendQuoted(dst, unescape(nil, b[p+1:q]), false)
	case 't', 'f', 'n':
		return append(dst, b[p:skip(b, p, 1)]...)
	}
	q, float := number(b, p)
	if !float {
		if string(b[p:q]) == "-0" {
			return append(dst, '0')
		}
		return append(dst, b[p:q]...)
	}
	v, _ := strconv.ParseFloat(string(b[p:q]), 64)
	if math.IsInf(v, 0) {
		return append(appendDouble(append(dst, '"'), v, 64), '"')
	}
	return appendDouble(dst, v, 64)
}

func compactObject(dst, b []byte, p int) []byte {
	type entry struct {
		key   []byte
		value int
	}
	var entries []entry
	index := map[string]int{}
	for p = space(b, p+1); b[p] != '}'; {
		q, _ := closingQuote(b, p+1)
		key := unescape(nil, b[p+1:q])
		p = space(b, space(b, q+1)+1)
		if i, ok := index[string(key)]; ok {
			entries[i].value = p
		} else {
			index[string(key)] = len(entries)
			entries = append(entries, entry{key, p})
		}
		if p = space(b, skip(b, p, 1)); b[p] == ',' {
			p = space(b, p+1)
		}
	}
	dst = append(dst, '{')
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, e.key, false), ':')
		dst = compact(dst, b, e.value)
	}
	return append(dst, '}')
}

const hexUpper = "0123456789ABCDEF"

// appendQuoted writes a JSON string as Flink does; pairs says that characters past U+FFFF are written
// as two escapes, as its UTF-8 writer does.
func appendQuoted(dst, s []byte, pairs bool) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && (c < 0xF0 || !pairs) {
			continue
		}
		dst = append(dst, s[from:i]...)
		if c >= 0xF0 {
			r := []rune(string(s[i:min(i+4, len(s))]))[0] - 0x10000
			dst = appendHex(dst, 0xD800+uint16(r>>10))
			dst = appendHex(dst, 0xDC00+uint16(r&0x3FF))
			i = min(i+3, len(s)-1)
			from = i + 1
			continue
		}
		from = i + 1
		if j := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); j >= 0 {
			dst = append(dst, '\\', "\"\\bfnrt"[j])
		} else {
			dst = appendHex(dst, uint16(c))
		}
	}
	return append(append(dst, s[from:]...), '"')
}

func appendHex(dst []byte, v uint16) []byte {
	return append(dst, '\\', 'u', hexUpper[v>>12], hexUpper[v>>8&15], hexUpper[v>>4&15], hexUpper[v&15])
}
