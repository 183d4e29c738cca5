package fn

import (
	"unicode/utf8"

	"weir/sql/vec"
)

// padRow is LPAD or RPAD, which count and cut characters as Java does.
func padRow(left bool) func(a []vec.Vec) textRow {
	return func(a []vec.Vec) textRow {
		s, length, pad := vec.TextOf(a[0]), intsOf(a[1]), vec.TextOf(a[2])
		return func(dst []byte, i int) ([]byte, bool) {
			v, n, p := s.String(i), length.at(i), pad.String(i)
			if n < 0 || n > maxMade || p == "" {
				return nil, false
			}
			missing := int(n) - javaLength(v)
			switch {
			case missing <= 0:
				return appendJava(dst, v, int(n)), true
			case left:
				return append(appendPad(dst, p, missing), v...), true
			}
			return appendPad(append(dst, v...), p, missing), true
		}
	}
}

// appendPad appends n Java characters of repeated p.
func appendPad(dst []byte, p string, n int) []byte {
	chars := javaLength(p)
	for ; n >= chars; n -= chars {
		dst = append(dst, p...)
	}
	return appendJava(dst, p, n)
}

// javaLength counts characters as Java does: those beyond U+FFFF are two.
func javaLength(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// appendJava appends the first n Java characters of s. Of a character that is cut in two, ? remains.
func appendJava(dst []byte, s string, n int) []byte {
	for _, r := range s {
		switch {
		case n <= 0:
			return dst
		case r > 0xffff && n == 1:
			return append(dst, '?')
		case r > 0xffff:
			n--
		}
		dst = utf8.AppendRune(dst, r)
		n--
	}
	return dst
}
