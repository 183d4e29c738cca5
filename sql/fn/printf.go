package fn

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

var printfFuncs = []*Func{
	declare("PRINTF", "PRINTF(format, value, ...)", "Prints the values by a format of Java's Formatter: %s, %d, %x, %o, %f, %e, %g, %b, %c, %h, %n and %%, with flags, width and precision. NULL values print as null. NULL where the format does not fit the values.",
		sig{in: pp(pText, pAny), variadic: true, out: returnsString, null: mayBeNull, prep: bindPrintf}, "PRINTF('%05d|%s', 42, 'x')", "00042|x", "PRINTF('%d', 'x')", "NULL"),
}

// directive is one % of a format.
type directive struct {
	text             string // literal text; the others are unused then
	index            int    // of the argument, from 0; -1 for %n and %%
	flags            string
	width, precision int // -1: none
	verb             byte
}

// parsePrintf takes a format apart; ok is false where it is not one.
func parsePrintf(format string) (out []directive, ok bool) {
	next, last := 0, -1
	for format != "" {
		at := strings.IndexByte(format, '%')
		if at != 0 {
			if at < 0 {
				at = len(format)
			}
			out = append(out, directive{text: format[:at], index: -1})
			format = format[at:]
			continue
		}
		d, rest, ok := parseDirective(format[1:])
		if !ok {
			return nil, false
		}
		switch {
		case d.verb == 'n' || d.verb == '%':
			d.index = -1
		case strings.Contains(d.flags, "<"):
			if d.index = last; last < 0 {
				return nil, false
			}
		case d.index < 0:
			d.index = next
			next++
		}
		if d.index >= 0 {
			last = d.index
		}
		out, format = append(out, d), rest
	}
	return out, true
}

func parseDirective(s string) (d directive, rest string, ok bool) {
	d = directive{index: -1, width: -1, precision: -1}
	n := 0
	for n < len(s) && isDigitByte(s[n]) {
		n++
	}
	if n > 0 && n < len(s) && s[n] == '$' {
		index, _ := strconv.Atoi(s[:n])
		d.index, s = index-1, s[n+1:]
	}
	n = 0
	for n < len(s) && strings.IndexByte("-#+ 0,(<", s[n]) >= 0 {
		n++
	}
	d.flags, s = s[:n], s[n:]
	d.width, s = leadingInt(s)
	if strings.HasPrefix(s, ".") {
		if d.precision, s = leadingInt(s[1:]); d.precision < 0 {
			return d, s, false
		}
	}
	if s == "" || strings.IndexByte("sSdxXofeEgGbBcChHn%", s[0]) < 0 || d.width > maxPrinted || d.precision > maxPrinted {
		return d, s, false
	}
	d.verb = s[0]
	return d, s[1:], true
}

// maxPrinted bounds the width of one printed value.
const maxPrinted = 1 << 16

func leadingInt(s string) (int, string) {
	n := 0
	for n < len(s) && isDigitByte(s[n]) {
		n++
	}
	if n == 0 {
		return -1, s
	}
	v, err := strconv.Atoi(s[:n])
	if err != nil {
		return maxPrinted + 1, s[n:]
	}
	return v, s[n:]
}

func bindPrintf(args []Arg) (Kernel, error) {
	ts := argTypes(args)[1:]
	return evalAll(func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		format := vec.TextOf(a[0])
		var compiled []directive
		last, known, fine := "", false, false
		return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
			if format.Null(i) {
				return nil, false
			}
			if f := format.String(i); !known || f != last {
				last, known = strings.Clone(f), true
				compiled, fine = parsePrintf(f)
			}
			ok := fine
			for k := 0; k < len(compiled) && ok; k++ {
				dst, ok = appendDirective(dst, &compiled[k], a[1:], ts, i)
			}
			return dst, ok
		})
	}), nil
}

func appendDirective(dst []byte, d *directive, a []vec.Vec, ts []types.Type, row int) ([]byte, bool) {
	switch {
	case d.text != "":
		return append(dst, d.text...), true
	case d.verb == 'n':
		return append(dst, '\n'), true
	case d.verb == '%':
		return d.pad(dst, "%"), true
	case d.index >= len(a):
		return dst, false
	}
	v, t := a[d.index], ts[d.index]
	if v.IsNull(row) {
		return d.text1(dst, nullText(d.verb)), true
	}
	switch d.verb {
	case 'b', 'B':
		b := "true"
		if t.Kind == types.Boolean && !rowTrue(v, row) {
			b = "false"
		}
		return d.text1(dst, b), true
	case 'h', 'H':
		if !t.IsString() {
			return dst, false
		}
		s := vec.TextOf(v)
		return d.text1(dst, strconv.FormatUint(uint64(javaHash(s.Bytes(row))), 16)), true
	case 's', 'S':
		return d.text1(dst, javaText(v, t, row)), true
	case 'c', 'C':
		if t.Kind != types.Int && t.Kind != types.TinyInt && t.Kind != types.SmallInt {
			return dst, false
		}
		c := intsOf(v)
		return d.text1(dst, string(rune(c.at(row)))), true
	case 'd', 'x', 'X', 'o':
		if !t.IsInteger() && t.Kind != types.Date && t.Kind != types.Time0 && !t.IsInterval() {
			return dst, false
		}
		n := intsOf(v)
		return d.integer(dst, n.at(row), intBits(t)), true
	}
	if !t.IsFloat() {
		return dst, false
	}
	return d.float(dst, floatAt(v, row)), true
}

func nullText(verb byte) string {
	if verb == 'b' || verb == 'B' {
		return "false"
	}
	return "null"
}

func intBits(t types.Type) uint {
	switch t.Kind {
	case types.TinyInt:
		return 8
	case types.SmallInt:
		return 16
	case types.BigInt, types.IntervalDS:
		return 64
	}
	return 32
}

func floatAt(v vec.Vec, row int) float64 {
	if a, ok := v.Arr.(*array.Float32); ok {
		return float64(a.Value(v.At(row)))
	}
	return v.Arr.(*array.Float64).Value(v.At(row))
}

// javaText spells a value as Flink's internal object prints: a date is its number of days.
func javaText(v vec.Vec, t types.Type, row int) string {
	switch {
	case t.Kind == types.Date || t.Kind == types.Time0 || t.IsInterval():
		n := intsOf(v)
		return strconv.FormatInt(n.at(row), 10)
	case t.IsTimestamp():
		in := instantsOf(v)
		return isoTimestamp(in.at(row), in.nanos(row))
	case t.Kind == types.Boolean:
		return strconv.FormatBool(rowTrue(v, row))
	}
	return string(AppendText(nil, t, v.Arr, v.At(row), nil))
}

// isoTimestamp spells a timestamp as Java's LocalDateTime: seconds only where they are not 0, and
// fractions in groups of three digits.
func isoTimestamp(us int64, ns int16) string {
	m := momentOf(us, int64(ns))
	out := AppendDate(nil, int32(m.days))
	out = append(out, 'T')
	out = appendNumber(out, m.micros/usHour, 2)
	out = appendNumber(append(out, ':'), m.micros/usMinute%60, 2)
	if sec := m.micros / usSecond % 60; sec != 0 || m.nanos != 0 {
		out = appendNumber(append(out, ':'), sec, 2)
	}
	switch {
	case m.nanos == 0:
	case m.nanos%1_000_000 == 0:
		out = appendNumber(append(out, '.'), m.nanos/1_000_000, 3)
	case m.nanos%1000 == 0:
		out = appendNumber(append(out, '.'), m.nanos/1000, 6)
	default:
		out = appendNumber(append(out, '.'), m.nanos, 9)
	}
	return string(out)
}

// javaHash is the hash that Flink's strings have: Murmur3 over 4-byte words, seed 42.
func javaHash(b []byte) uint32 {
	h := uint32(42)
	mix := func(k uint32) {
		k *= 0xcc9e2d51
		k = k<<15 | k>>17
		h ^= k * 0x1b873593
		h = (h<<13|h>>19)*5 + 0xe6546b64
	}
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		mix(uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 | uint32(b[i+3])<<24)
	}
	for _, c := range b[n:] {
		mix(uint32(int32(int8(c))))
	}
	h ^= uint32(len(b))
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func (d *directive) has(flag byte) bool { return strings.IndexByte(d.flags, flag) >= 0 }

// text1 prints a text: cut to the precision, filled to the width, in upper case for %S.
func (d *directive) text1(dst []byte, s string) []byte {
	if d.precision >= 0 {
		s = s[:runeOffset(s, d.precision)]
	}
	if d.verb >= 'A' && d.verb <= 'Z' {
		s = upper(s)
	}
	return d.pad(dst, s)
}

func (d *directive) pad(dst []byte, s string) []byte {
	fill := strings.Repeat(" ", max(0, d.width-utf8.RuneCountInString(s)))
	if d.has('-') {
		return append(append(dst, s...), fill...)
	}
	return append(append(dst, fill...), s...)
}

func (d *directive) integer(dst []byte, n int64, bits uint) []byte {
	if d.verb == 'd' {
		digits := strconv.FormatUint(uint64(max(n, -n)), 10)
		if n == math.MinInt64 {
			digits = "9223372036854775808"
		}
		return d.signed(dst, digits, n < 0)
	}
	u := uint64(n)
	if bits < 64 {
		u &= 1<<bits - 1
	}
	base, prefix := 16, "0x"
	if d.verb == 'o' {
		base, prefix = 8, "0"
	}
	s := strconv.FormatUint(u, base)
	if d.has('0') {
		s = strings.Repeat("0", max(0, d.width-len(s))) + s
	}
	if d.has('#') {
		s = prefix + s
	}
	if d.verb == 'X' {
		s = strings.ToUpper(s)
	}
	return d.pad(dst, s)
}

// signed adds sign, groups of thousands and zeros to digits.
func (d *directive) signed(dst []byte, digits string, negative bool) []byte {
	if d.has(',') {
		digits = groupThousands(digits)
	}
	before, after := "", ""
	switch {
	case negative && d.has('('):
		before, after = "(", ")"
	case negative:
		before = "-"
	case d.has('+'):
		before = "+"
	case d.has(' '):
		before = " "
	}
	if d.has('0') {
		digits = strings.Repeat("0", max(0, d.width-len(before)-len(digits)-len(after))) + digits
	}
	return d.pad(dst, before+digits+after)
}

func groupThousands(digits string) string {
	whole, frac, dot := strings.Cut(digits, ".")
	var b strings.Builder
	for i, c := range []byte(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(c)
	}
	if dot {
		return b.String() + "." + frac
	}
	return b.String()
}

// float rounds the decimal spelling of the number half up, as Java does.
func (d *directive) float(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		s := "NaN"
		if !math.IsNaN(f) {
			s = "Infinity"
		}
		plain := directive{width: d.width, flags: strings.ReplaceAll(d.flags, "0", ""), verb: d.verb, precision: -1}
		return plain.signed(dst, s, f < 0)
	}
	prec := d.precision
	if prec < 0 {
		prec = 6
	}
	a := math.Abs(f)
	var digits string
	switch d.verb {
	case 'f':
		digits = strconv.FormatFloat(roundSpelled(nil, a, int64(prec), 64, false), 'f', prec, 64)
	case 'e', 'E':
		digits = scientific(a, prec)
	default:
		prec = max(prec, 1)
		if r := roundSignificant(a, prec); r == 0 || r >= 1e-4 && r < math.Pow10(prec) {
			exp := 0
			if r != 0 {
				exp = int(math.Floor(math.Log10(r)))
			}
			digits = strconv.FormatFloat(r, 'f', max(0, prec-1-exp), 64)
		} else {
			digits = scientific(a, prec-1)
		}
	}
	if d.verb == 'E' || d.verb == 'G' {
		digits = strings.ToUpper(digits)
	}
	return d.signed(dst, digits, math.Signbit(f))
}

func roundSignificant(a float64, digits int) float64 {
	if a == 0 {
		return 0
	}
	return roundSpelled(nil, a, int64(digits-1-int(math.Floor(math.Log10(a)))), 64, false)
}

func scientific(a float64, prec int) string {
	return strconv.FormatFloat(roundSignificant(a, prec+1), 'e', prec, 64)
}
