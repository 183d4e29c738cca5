package fn

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/sql/types"
	"weir/sql/vec"
)

var stringFuncs = []*Func{
	declare("UPPER", "UPPER(string)", "Gives the text in upper case.",
		sig{in: pp(pText), out: likeArg(0), prep: caseKernel(upper, false)}, "UPPER('abC é')", "ABC É"),
	declare("LOWER", "LOWER(string)", "Gives the text in lower case.",
		sig{in: pp(pText), out: likeArg(0), prep: caseKernel(strings.ToLower, true)}, "LOWER('ABc')", "abc"),
	declare("INITCAP", "INITCAP(string)", "Gives the text with the first letter of each word in upper case and the others in lower case. Words are runs of ASCII letters and digits.",
		sig{in: pp(pText), out: likeArg(0), eval: textOf1(appendInitCap)}, "INITCAP('hello wOrld')", "Hello World"),
	declare("TRIM", "TRIM([BOTH | LEADING | TRAILING] [chars] FROM string)", "Takes the characters (by default blanks) away from the ends of the text. BOTH is the default.",
		sig{in: pp(pSymbol, pText, pText), out: varcharOf(2), prep: bindTrim},
		"TRIM('  a ')", "a", "TRIM(LEADING 'x' FROM 'xxaxx')", "axx", "TRIM(TRAILING 'x' FROM 'xxaxx')", "xxa"),
	declare("LTRIM", "LTRIM(string[, chars])", "Takes the characters (by default blanks) away from the start of the text.",
		sig{in: pp(pText, pText), opt: 1, out: varcharOf(0), eval: trimKernel(true, false)}, "LTRIM('xyaxy', 'yx')", "axy"),
	declare("RTRIM", "RTRIM(string[, chars])", "Takes the characters (by default blanks) away from the end of the text.",
		sig{in: pp(pText, pText), opt: 1, out: varcharOf(0), eval: trimKernel(false, true)}, "RTRIM('xxax', 'x')", "xxa"),
	declare("BTRIM", "BTRIM(string[, chars])", "Takes the characters (by default blanks) away from both ends of the text.",
		sig{in: pp(pText, pText), opt: 1, out: returnsString, eval: trimKernel(true, true)}, "BTRIM('xxaxx', 'x')", "a"),
	declare("SUBSTRING|SUBSTR", "SUBSTRING(string FROM start [FOR length])", "Gives the part of the text from a position, counted from 1, or from the end where it is negative. NULL where the length is negative.",
		sig{in: pp(pText, pInt, pInt), opt: 1, out: varcharOf(0), null: mayBeNull, eval: textEval(substringRow)},
		"SUBSTRING('hello' FROM 2 FOR 3)", "ell", "SUBSTR('hello', -3)", "llo", "SUBSTRING('hello', 2, -1)", "NULL"),
	declare("LEFT", "LEFT(string, length)", "Gives the first characters of the text; none where the length is not positive.",
		sig{in: pp(pText, pInt), out: varcharOf(0), null: mayBeNull, eval: textEval(leftRow)}, "LEFT('hello', 2)", "he", "LEFT('hello', -1)", ""),
	declare("RIGHT", "RIGHT(string, length)", "Gives the last characters of the text; none where the length is not positive.",
		sig{in: pp(pText, pInt), out: varcharOf(0), null: mayBeNull, eval: textEval(rightRow)}, "RIGHT('hello', 2)", "lo"),
	declare("LPAD", "LPAD(string, length, pad)", "Fills the text on the left with the pad, or cuts it on the right, to the length. NULL where the length is negative or the pad is empty.",
		sig{in: pp(pText, pInt, pText), out: returnsString, eval: textEval(padRow(true))},
		"LPAD('hi', 4, '??')", "??hi", "LPAD('hi', 1, '?')", "h", "LPAD('hi', 4, '')", "NULL"),
	declare("RPAD", "RPAD(string, length, pad)", "Fills the text on the right with the pad, or cuts it, to the length. NULL where the length is negative or the pad is empty.",
		sig{in: pp(pText, pInt, pText), out: returnsString, eval: textEval(padRow(false))}, "RPAD('hi', 5, 'ab')", "hiaba"),
	declare("REPEAT", "REPEAT(string, count)", "Gives the text count times; the empty text where count is not positive.",
		sig{in: pp(pText, pInt), out: returnsString, eval: textCtxEval(types.StringType, repeatRow)}, "REPEAT('ab', 3)", "ababab", "REPEAT('ab', -1)", ""),
	declare("REVERSE", "REVERSE(string)", "Gives the characters in reverse order.",
		sig{in: pp(pText), out: returnsString, null: mayBeNull, eval: textOf1(appendReverse)}, "REVERSE('abc')", "cba"),
	declare("REPLACE", "REPLACE(string, search, replacement)", "Gives the text with each occurrence of search replaced.",
		sig{in: pp(pText, pText, pText), out: returnsString, eval: textEval(replaceRow)}, "REPLACE('hello', 'l', 'L')", "heLLo"),
	declare("TRANSLATE|TRANSLATE3", "TRANSLATE(string, from, to)", "Replaces each character of from by the one at the same place in to; characters without a partner are taken away. A NULL to counts as empty.",
		sig{in: pp(pText, pText, pText), out: returnsString, null: butLast, eval: translateKernel}, "TRANSLATE('abc', 'ab', 'x')", "xc"),
	declare("OVERLAY", "OVERLAY(string PLACING replacement FROM start [FOR length])", "Replaces length characters (by default as many as the replacement has) from a position counted from 1. A start outside of the text leaves it as it is.",
		sig{in: pp(pText, pText, pInt, pInt), opt: 1, out: overlayType, eval: textEval(overlayRow)},
		"OVERLAY('abcdef' PLACING 'XX' FROM 2 FOR 3)", "aXXef", "OVERLAY('abcdef' PLACING 'XX' FROM 9)", "abcdef"),
	declare("CONCAT", "CONCAT(string1, string2, ...)", "Joins the texts; NULL where one is.",
		sig{in: pp(pText, pText), variadic: true, out: returnsString, eval: textEval(concatRow)}, "CONCAT('a', 'b', 'c')", "abc", "CONCAT('a', CAST(NULL AS STRING))", "NULL"),
	declare("||", "string1 || string2", "Joins two texts; NULL where one is.",
		sig{in: pp(pText, pText), out: joinedType, eval: textEval(concatRow)}, "'a' || 'b'", "ab", "'a' || CAST(NULL AS STRING)", "NULL"),
	declare("CONCAT_WS", "CONCAT_WS(separator, string1, string2, ...)", "Joins the texts that are not NULL, with the separator between them. NULL where the separator is.",
		sig{in: pp(pText, pText), variadic: true, out: returnsString, eval: concatWsKernel}, "CONCAT_WS('-', 'a', CAST(NULL AS STRING), 'c')", "a-c"),
	declare("ELT", "ELT(index, value1, value2, ...)", "Gives the value at the index, counted from 1; NULL where there is none.",
		sig{in: pp(pInt, pBinary, pBinary), variadic: true, out: eltType, null: mayBeNull, eval: eltKernel}, "ELT(2, 'a', 'b')", "b", "ELT(3, 'a', 'b')", "NULL"),
}

// textOf1 is the kernel of a function of one text.
func textOf1(f func(dst []byte, s string) []byte) Kernel {
	return textEval(func(a []vec.Vec) textRow {
		s := vec.TextOf(a[0])
		return func(dst []byte, i int) ([]byte, bool) { return f(dst, s.String(i)), true }
	})
}

// caseKernel maps letters; a CHAR(n) keeps its length, though the mapping may make more letters.
func caseKernel(f func(string) string, lower bool) func([]Arg) (Kernel, error) {
	return func(args []Arg) (Kernel, error) {
		limit := -1
		if args[0].Type.Kind == types.Char {
			limit = args[0].Type.Length
		}
		return textOf1(func(dst []byte, s string) []byte {
			if out, ok := mapASCII(dst, s, lower); ok {
				return out
			}
			out := f(s)
			if limit >= 0 && len(out) > limit {
				out = out[:runeOffset(out, limit)]
			}
			return append(dst, out...)
		}), nil
	}
}

// mapASCII appends a text of ASCII characters in upper or lower case; ok is false for other texts.
func mapASCII(dst []byte, s string, lower bool) (out []byte, ok bool) {
	first := byte('a')
	if lower {
		first = 'A'
	}
	at := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[at:] {
		if c >= utf8.RuneSelf {
			return dst[:at], false
		}
		if c-first < 26 {
			dst[at+i] = c ^ 0x20
		}
	}
	return dst, true
}

// upper maps as Java does, which writes the sharp s as two letters.
func upper(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "ß", "SS") }

// runeOffset is the byte position after n characters, at most len(s).
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// runeOffsetBack is the byte position before the last n characters, at least 0.
func runeOffsetBack(s string, n int) int {
	end := len(s)
	for ; n > 0 && end > 0; n-- {
		_, w := utf8.DecodeLastRuneInString(s[:end])
		end -= w
	}
	return end
}

func appendInitCap(dst []byte, s string) []byte {
	start := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		switch {
		case start && lower:
			c -= 'a' - 'A'
		case !start && upper:
			c += 'a' - 'A'
		}
		start = !lower && !upper && !digit
		dst = append(dst, c)
	}
	return dst
}

func appendReverse(dst []byte, s string) []byte {
	for len(s) > 0 {
		_, w := utf8.DecodeLastRuneInString(s)
		dst = append(dst, s[len(s)-w:]...)
		s = s[:len(s)-w]
	}
	return dst
}

func bindTrim(args []Arg) (Kernel, error) {
	side := symbol(args, 0)
	inner := trimKernel(side != "TRAILING", side != "LEADING")
	return func(c *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		return inner(c, []vec.Vec{a[2], a[1]}, n)
	}, nil
}

func trimKernel(left, right bool) Kernel {
	return textEval(func(a []vec.Vec) textRow {
		s := vec.TextOf(a[0])
		chars := func(int) string { return " " }
		if len(a) > 1 {
			set := vec.TextOf(a[1])
			chars = set.String
		}
		return func(dst []byte, i int) ([]byte, bool) {
			v, cut := s.String(i), chars(i)
			if left {
				v = strings.TrimLeft(v, cut)
			}
			if right {
				v = strings.TrimRight(v, cut)
			}
			return append(dst, v...), true
		}
	})
}

func substringRow(a []vec.Vec) textRow {
	s, from := vec.TextOf(a[0]), intsOf(a[1])
	length := ints{}
	if len(a) > 2 {
		length = intsOf(a[2])
	}
	return func(dst []byte, i int) ([]byte, bool) {
		v, start, count := s.String(i), from.at(i), int64(len(s.Data))
		if len(a) > 2 {
			if count = length.at(i); count < 0 {
				return nil, false
			}
		}
		return append(dst, substring(v, start, count)...), true
	}
}

// substring counts start from 1, or from the end where it is negative; 0 is 1. A start before the
// beginning eats from count.
func substring(s string, start, count int64) string {
	n := int64(len(s)) // an upper bound of the characters
	switch {
	case start > n || count <= 0:
		return ""
	case start > 0:
		s = s[runeOffset(s, int(start-1)):]
	case start < 0:
		chars := int64(utf8.RuneCountInString(s))
		if start += chars; start < 0 {
			return ""
		}
		s = s[runeOffset(s, int(start)):]
	}
	if count >= int64(len(s)) {
		return s
	}
	return s[:runeOffset(s, int(count))]
}

func leftRow(a []vec.Vec) textRow {
	s, length := vec.TextOf(a[0]), intsOf(a[1])
	return func(dst []byte, i int) ([]byte, bool) {
		return append(dst, substring(s.String(i), 1, length.at(i))...), true
	}
}

func rightRow(a []vec.Vec) textRow {
	s, length := vec.TextOf(a[0]), intsOf(a[1])
	return func(dst []byte, i int) ([]byte, bool) {
		v, n := s.String(i), max(0, length.at(i))
		return append(dst, v[runeOffsetBack(v, int(min(n, int64(len(v))))):]...), true
	}
}

// maxMade bounds the text that one call may make out of a small one, so that no query takes all memory.
const maxMade = 64 << 20

func repeatRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	s, times := vec.TextOf(a[0]), intsOf(a[1])
	return func(dst []byte, i int) ([]byte, bool) {
		v, n := s.String(i), times.at(i)
		if n > 0 && int64(len(v)) > maxMade/n {
			fail.at(i, errTooLong("REPEAT"))
			return nil, false
		}
		for ; n > 0; n-- {
			dst = append(dst, v...)
		}
		return dst, true
	}
}

func replaceRow(a []vec.Vec) textRow {
	s, search, by := vec.TextOf(a[0]), vec.TextOf(a[1]), vec.TextOf(a[2])
	return func(dst []byte, i int) ([]byte, bool) {
		v, from, to := s.String(i), search.String(i), by.String(i)
		if from == "" {
			return append(dst, strings.ReplaceAll(v, from, to)...), true
		}
		for {
			j := strings.Index(v, from)
			if j < 0 {
				return append(dst, v...), true
			}
			dst = append(append(dst, v[:j]...), to...)
			v = v[j+len(from):]
		}
	}
}

func overlayType(args []types.Type) types.Type {
	return types.VarCharType(min(args[0].Length+args[1].Length, types.MaxLength))
}

func overlayRow(a []vec.Vec) textRow {
	s, by, from := vec.TextOf(a[0]), vec.TextOf(a[1]), intsOf(a[2])
	length := ints{}
	if len(a) > 3 {
		length = intsOf(a[3])
	}
	return func(dst []byte, i int) ([]byte, bool) {
		v, r, start := s.String(i), by.String(i), from.at(i)
		chars := int64(utf8.RuneCountInString(v))
		if start <= 0 || start > chars {
			return append(dst, v...), true
		}
		count := int64(utf8.RuneCountInString(r))
		if len(a) > 3 {
			count = length.at(i)
		}
		dst = append(append(dst, v[:runeOffset(v, int(start-1))]...), r...)
		if end := start - 1 + count; count > 0 && end <= chars {
			dst = append(dst, v[runeOffset(v, int(end)):]...)
		}
		return dst, true
	}
}

func concatRow(a []vec.Vec) textRow {
	parts := textsOf(a)
	return func(dst []byte, i int) ([]byte, bool) {
		for p := range parts {
			dst = append(dst, parts[p].Bytes(i)...)
		}
		return dst, true
	}
}

func textsOf(a []vec.Vec) []vec.Text {
	out := make([]vec.Text, len(a))
	for i, v := range a {
		out[i] = vec.TextOf(v)
	}
	return out
}

// joinedType is CHAR only where both are, and as long as both together.
func joinedType(args []types.Type) types.Type {
	n := min(args[0].Length+args[1].Length, types.MaxLength)
	if args[0].Kind == types.Char && args[1].Kind == types.Char {
		return types.CharType(n)
	}
	return types.VarCharType(n)
}

func concatWsKernel(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
	n, konst := kernelRows(args, n)
	bits, none := vec.Validity(n, args[0])
	if none {
		return vec.Vec{Arr: vec.NullColumn(types.StringType, n), Const: konst}, nil
	}
	parts := textsOf(args)
	sep := parts[0]
	arr := textColumn(types.StringType, validity{bits, n}, func(dst []byte, i int) ([]byte, bool) {
		first := true
		for p := range parts[1:] {
			part := &parts[p+1]
			if part.Null(i) {
				continue
			}
			if !first {
				dst = append(dst, sep.Bytes(i)...)
			}
			first = false
			dst = append(dst, part.Bytes(i)...)
		}
		return dst, true
	})
	return vec.Vec{Arr: arr, Const: konst}, nil
}

// translateKernel treats a NULL to as empty.
func translateKernel(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
	n, konst := kernelRows(args, n)
	bits, none := vec.Validity(n, args[:2]...)
	if none {
		return vec.Vec{Arr: vec.NullColumn(types.StringType, n), Const: konst}, nil
	}
	s, from, to := vec.TextOf(args[0]), vec.TextOf(args[1]), vec.TextOf(args[2])
	var m map[rune]rune
	lastFrom, lastTo := "", ""
	arr := textColumn(types.StringType, validity{bits, n}, func(dst []byte, i int) ([]byte, bool) {
		f, t := from.String(i), ""
		if !to.Null(i) {
			t = to.String(i)
		}
		if m == nil || f != lastFrom || t != lastTo {
			m, lastFrom, lastTo = translation(f, t), f, t
		}
		for _, r := range s.String(i) {
			switch t, ok := m[r]; {
			case !ok:
				dst = utf8.AppendRune(dst, r)
			case t >= 0:
				dst = utf8.AppendRune(dst, t)
			}
		}
		return dst, true
	})
	return vec.Vec{Arr: arr, Const: konst}, nil
}

// translation maps each character of from to its partner in to, or to -1.
func translation(from, to string) map[rune]rune {
	m := map[rune]rune{}
	partners := []rune(to)
	i := 0
	for _, r := range from {
		if _, seen := m[r]; !seen {
			m[r] = -1
			if i < len(partners) {
				m[r] = partners[i]
			}
		}
		i++
	}
	return m
}

func eltType(args []types.Type) types.Type {
	t := args[1]
	for _, a := range args[2:] {
		if a.IsBytes() != t.IsBytes() {
			continue
		}
		if a.Kind != t.Kind || a.Length != t.Length {
			n := max(a.Length, t.Length)
			if t.IsBytes() {
				t = types.Type{Kind: types.VarBinary, Length: n}
			} else {
				t = types.VarCharType(n)
			}
		}
	}
	return t
}

func eltKernel(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
	n, konst := kernelRows(args, n)
	t := types.StringType
	for _, a := range args[1:] {
		if a.Arr.DataType().Name() == types.BytesType.Arrow().Name() {
			t = types.BytesType
		}
	}
	bits, none := vec.Validity(n, args[0])
	if none {
		return vec.Vec{Arr: vec.NullColumn(t, n), Const: konst}, nil
	}
	index, values := intsOf(args[0]), textsOf(args[1:])
	arr := textColumn(t, validity{bits, n}, func(dst []byte, i int) ([]byte, bool) {
		j := index.at(i)
		if j < 1 || j > int64(len(values)) || values[j-1].Null(i) {
			return nil, false
		}
		return append(dst, values[j-1].Bytes(i)...), true
	})
	return vec.Vec{Arr: arr, Const: konst}, nil
}

// isLetters tells whether the text is made of characters of a class, and not empty.
func isAll(class func(rune) bool) func(s string) bool {
	return func(s string) bool {
		for _, r := range s {
			if !class(r) {
				return false
			}
		}
		return s != ""
	}
}

var (
	isLetters = isAll(unicode.IsLetter)
	isDigits  = isAll(unicode.IsDigit)
)
