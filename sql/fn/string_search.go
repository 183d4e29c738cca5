package fn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var searchFuncs = []*Func{
	declare("POSITION", "POSITION(search IN string [FROM start])", "Gives the place, counted from 1, where search first occurs in the text; 0 where it does not.",
		sig{in: pp(pText, pText, pInt), opt: 1, out: returnsInt, eval: intEval(locateRow)}, "POSITION('l' IN 'hello')", "3", "POSITION('z' IN 'hello')", "0"),
	declare("LOCATE", "LOCATE(search, string[, start])", "Gives the place, counted from 1, where search first occurs in the text at or after start; 0 where it does not.",
		sig{in: pp(pText, pText, pInt), opt: 1, out: returnsInt, eval: intEval(locateRow)}, "LOCATE('l', 'hello', 4)", "4"),
	declare("INSTR", "INSTR(string, search[, start[, occurrence]])", "Gives the place, counted from 1, where search occurs in the text for the given time; 0 where it does not. A negative start counts and searches from the end.",
		sig{in: pp(pText, pText, pInt, pInt), opt: 2, out: returnsInt, eval: fixedCtxEval(types.IntType, instrRow)}, "INSTR('abcabc', 'c', 1, 2)", "6", "INSTR('abcabc', 'c', -1)", "6"),
	declare("CHAR_LENGTH|CHARACTER_LENGTH|LENGTH", "CHAR_LENGTH(string)", "Counts the characters (code points).",
		sig{in: pp(pText), out: returnsInt, eval: intEval(charLengthRow)}, "CHAR_LENGTH('héllo')", "5", "CHARACTER_LENGTH('日本')", "2"),
	declare("ASCII", "ASCII(string)", "Gives the first byte as a signed number; 0 for the empty text.",
		sig{in: pp(pText), out: returnsInt, eval: intEval(asciiRow)}, "ASCII('abc')", "97", "ASCII('')", "0"),
	declare("CHR", "CHR(number)", "Gives the character of a code from 0 to 255; a larger number counts by its last eight bits, a negative one gives the empty text.",
		sig{in: pp(pInt), out: returnsString, null: mayBeNull, eval: textEval(chrRow)}, "CHR(97)", "a"),
	declare("STARTSWITH", "STARTSWITH(string, prefix)", "Tells whether the text or the bytes start with the prefix.",
		sig{in: pp(pBinary, pBinary), out: returnsBool, eval: affixEval(strings.HasPrefix)}, "STARTSWITH('abc', 'ab')", "TRUE"),
	declare("ENDSWITH", "ENDSWITH(string, suffix)", "Tells whether the text or the bytes end with the suffix.",
		sig{in: pp(pBinary, pBinary), out: returnsBool, eval: affixEval(strings.HasSuffix)}, "ENDSWITH('abc', 'bc')", "TRUE"),
	declare("SPLIT_INDEX", "SPLIT_INDEX(string, separator, index)", "Gives the part at an index, counted from 0, of the text split at the separator (a text or a character's code); NULL where there is none.",
		sig{in: pp(pText, pSeparator, pInt), out: returnsString, null: mayBeNull, eval: textEval(splitIndexRow)}, "SPLIT_INDEX('a,b,c', ',', 1)", "b", "SPLIT_INDEX('a,b,c', ',', 5)", "NULL"),
	declare("SPLIT", "SPLIT(string, separator)", "Splits the text at the separator into an array; an empty separator splits it into characters.",
		sig{in: pp(pText, pText), out: returns(stringArray), eval: eval(stringArray, splitColumn)}, "SPLIT('a,b,c', ',')", "[a, b, c]"),
	declare("STR_TO_MAP", "STR_TO_MAP(string[, pairSeparator, keySeparator])", "Makes a map of a text as 'k1=v1,k2=v2'. The separators are regular expressions; a pair without a value has the value NULL.",
		sig{in: pp(pText, pText, pText), opt: 2, out: returns(stringMap), null: mayBeNull, prep: bindStrToMap}, "STR_TO_MAP('a=1,b=2')", "{a=1, b=2}"),
	declare("IS_ALPHA", "IS_ALPHA(string)", "Tells whether the text is made of letters only. FALSE for NULL and for the empty text.",
		sig{in: pp(pAny), out: returnsBool, null: neverNull, eval: classEval(isLetters)}, "IS_ALPHA('abc')", "TRUE", "IS_ALPHA('a1')", "FALSE"),
	declare("IS_DIGIT", "IS_DIGIT(string)", "Tells whether the text is made of digits only. FALSE for NULL and for the empty text.",
		sig{in: pp(pAny), out: returnsBool, null: neverNull, eval: classEval(isDigits)}, "IS_DIGIT('123')", "TRUE", "IS_DIGIT('1.2')", "FALSE"),
	declare("IS_DECIMAL", "IS_DECIMAL(string)", "Tells whether the text can be read as a number. FALSE for NULL and for the empty text.",
		sig{in: pp(pAny), out: returnsBool, null: neverNull, eval: classEval(isDecimalText)}, "IS_DECIMAL('1.2')", "TRUE", "IS_DECIMAL('x')", "FALSE"),
}

var (
	stringArray = types.ArrayType(types.StringType)
	stringMap   = types.MapType(types.StringType, types.StringType)
	pSeparator  = keep("a string or an integer", types.StringType, func(t types.Type) bool { return t.IsString() || t.IsInteger() })
)

func errTooLong(name string) error {
	return fmt.Errorf("%s would give a text of more than %d MB", name, maxMade>>20)
}

func locateRow(a []vec.Vec) func(int) (int32, bool) {
	search, s := vec.TextOf(a[0]), vec.TextOf(a[1])
	from := ints{}
	if len(a) > 2 {
		from = intsOf(a[2])
	}
	return func(i int) (int32, bool) {
		return int32(locate(s.String(i), search.String(i), from.at(i))), true
	}
}

// locate gives the place, from 1, of search in s at or after the place from.
func locate(s, search string, from int64) int {
	skipped := 0
	if search == "" {
		return 1
	}
	if from > 1 {
		if from > int64(len(s)) {
			return 0
		}
		at := runeOffset(s, int(from-1))
		skipped = int(from - 1)
		s = s[at:]
	}
	j := strings.Index(s, search)
	if j < 0 {
		return 0
	}
	return skipped + utf8.RuneCountInString(s[:j]) + 1
}

func instrRow(_ *Ctx, a []vec.Vec, fail *failure) func(int) (int32, bool) {
	s, search := vec.TextOf(a[0]), vec.TextOf(a[1])
	from, times := ints{}, ints{}
	if len(a) > 2 {
		from = intsOf(a[2])
	}
	if len(a) > 3 {
		times = intsOf(a[3])
	}
	return func(i int) (int32, bool) {
		start, n := int64(1), int64(1)
		if len(a) > 2 {
			start = from.at(i)
		}
		if len(a) > 3 {
			n = times.at(i)
		}
		switch {
		case n < 1:
			fail.at(i, fmt.Errorf("INSTR wants an occurrence of 1 or more, got %d", n))
			return 0, false
		case start == 0:
			return 0, true
		case start < 0:
			return int32(instrBack(s.String(i), search.String(i), start, n)), true
		}
		at := 0
		for ; n > 0; n-- {
			if at = locate(s.String(i), search.String(i), start); at == 0 {
				break
			}
			start = int64(at) + 1
		}
		return int32(at), true
	}
}

// instrBack searches backwards for an occurrence that starts at or before the place start, which is
// counted from the end.
func instrBack(s, search string, start, times int64) int {
	end := runeOffsetBack(s, int(min(-start, int64(len(s)))))
	if -start > int64(utf8.RuneCountInString(s)) {
		return 0
	}
	window := min(len(s), end+len(search))
	for {
		j := strings.LastIndex(s[:window], search)
		if j < 0 {
			return 0
		}
		if times--; times == 0 {
			return utf8.RuneCountInString(s[:j]) + 1
		}
		if window = j + len(search) - 1; window < 0 {
			return 0
		}
	}
}

func charLengthRow(a []vec.Vec) func(int) (int32, bool) {
	s := vec.TextOf(a[0])
	return func(i int) (int32, bool) { return int32(utf8.RuneCount(s.Bytes(i))), true }
}

func asciiRow(a []vec.Vec) func(int) (int32, bool) {
	s := vec.TextOf(a[0])
	return func(i int) (int32, bool) {
		b := s.Bytes(i)
		if len(b) == 0 {
			return 0, true
		}
		return int32(int8(b[0])), true
	}
}

func chrRow(a []vec.Vec) textRow {
	code := intsOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		c := code.at(i)
		if c < 0 {
			return dst, true
		}
		return utf8.AppendRune(dst, rune(c&0xff)), true
	}
}

func affixEval(has func(s, affix string) bool) Kernel {
	return boolEval(func(a []vec.Vec) func(int) (bool, bool) {
		s, affix := vec.TextOf(a[0]), vec.TextOf(a[1])
		return func(i int) (bool, bool) { return has(s.String(i), affix.String(i)), true }
	})
}

// classEval is FALSE for NULL, and for what is not text.
func classEval(is func(string) bool) Kernel {
	return evalAll(func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		if id := a[0].Arr.DataType().ID(); id != arrow.STRING {
			numeric := id != arrow.NULL && a[0].Arr.DataType().Layout().Buffers != nil && is("1")
			return boolRows(m, func(i int) (bool, bool) { return numeric && !a[0].IsNull(i), true })
		}
		s := vec.TextOf(a[0])
		return boolRows(m, func(i int) (bool, bool) { return !s.Null(i) && is(s.String(i)), true })
	})
}

func isDecimalText(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return false
	}
	return strings.Trim(s, "+-.0123456789eE") == ""
}

func splitIndexRow(a []vec.Vec) textRow {
	s, index := vec.TextOf(a[0]), intsOf(a[2])
	if a[1].Arr.DataType().ID() == arrow.STRING {
		sep := vec.TextOf(a[1])
		return func(dst []byte, i int) ([]byte, bool) {
			part, ok := splitIndex(s.String(i), sep.String(i), index.at(i))
			return append(dst, part...), ok
		}
	}
	code := intsOf(a[1])
	return func(dst []byte, i int) ([]byte, bool) {
		c := code.at(i)
		if c < 1 || c > 255 {
			return nil, false
		}
		part, ok := splitIndex(s.String(i), string(rune(c)), index.at(i))
		return append(dst, part...), ok
	}
}

// splitIndex gives part n of s; an empty separator means white space, an empty text has no parts.
func splitIndex(s, sep string, n int64) (string, bool) {
	if s == "" || n < 0 {
		return "", false
	}
	for {
		j, w := strings.Index(s, sep), len(sep)
		if sep == "" {
			if j = strings.IndexAny(s, " \t\n\r\f\v"); j >= 0 {
				w = 1
			}
		}
		switch {
		case n == 0 && j < 0:
			return s, true
		case n == 0:
			return s[:j], true
		case j < 0:
			return "", false
		}
		s = s[j+w:]
		n--
	}
}

func splitColumn(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
	s, sep := vec.TextOf(a[0]), vec.TextOf(a[1])
	b := newTextLists(m.n)
	for i := range m.n {
		if !m.isNull(i) {
			v := s.String(i)
			if p := sep.String(i); p == "" && v != "" {
				for v != "" {
					w := runeOffset(v, 1)
					b.add(v[:w])
					v = v[w:]
				}
			} else {
				for part := range strings.SplitSeq(v, p) {
					if v != "" {
						b.add(part)
					}
				}
			}
		}
		b.end()
	}
	return b.array(m.bits)
}

// textLists builds an ARRAY<STRING> column.
type textLists struct {
	offsets, texts []int32
	data           []byte
}

func newTextLists(n int) *textLists {
	return &textLists{offsets: make([]int32, 1, n+1), texts: make([]int32, 1, n+1)}
}

func (b *textLists) add(s string) {
	b.data = append(b.data, s...)
	b.texts = append(b.texts, int32(len(b.data)))
}

func (b *textLists) end() { b.offsets = append(b.offsets, int32(len(b.texts)-1)) }

func (b *textLists) array(valid vec.Bitmap) arrow.Array {
	return vec.Lists(b.offsets, vec.Strings(b.texts, b.data, nil), valid)
}
