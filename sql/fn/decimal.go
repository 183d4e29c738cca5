package fn

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Decimals are unscaled 128-bit integers of at most 38 digits. Work on them is done on the sign and a
// magnitude of two words; magnitudes of up to 256 bits carry products.

// mag128 is the magnitude of a decimal.
type mag128 struct{ hi, lo uint64 }

// magnitude splits a decimal into sign and magnitude.
func magnitude(v decimal128.Num) (m mag128, neg bool) {
	m = mag128{uint64(v.HighBits()), v.LowBits()}
	if v.HighBits() >= 0 {
		return m, false
	}
	return m.negated(), true
}

func (m mag128) negated() mag128 {
	lo, borrow := bits.Sub64(0, m.lo, 0)
	hi, _ := bits.Sub64(0, m.hi, borrow)
	return mag128{hi, lo}
}

// signed makes the decimal of a magnitude below 2^127.
func (m mag128) signed(neg bool) decimal128.Num {
	if neg {
		m = m.negated()
	}
	return decimal128.New(int64(m.hi), m.lo)
}

func (m mag128) less(n mag128) bool { return m.hi < n.hi || m.hi == n.hi && m.lo < n.lo }

// pow10 gives 10^n for n up to 38.
func pow10(n int) mag128 {
	p := decimal128.GetScaleMultiplier(n)
	return mag128{uint64(p.HighBits()), p.LowBits()}
}

// pow10u gives 10^n for n up to 19.
func pow10u(n int) uint64 { return pow10(n).lo }

// fits tells whether the magnitude has at most prec digits.
func (m mag128) fits(prec int) bool { return prec >= 0 && (prec >= 39 || m.less(pow10(prec))) }

// div divides by a word.
func (m mag128) div(d uint64) (quotient mag128, rest uint64) {
	if m.hi == 0 {
		return mag128{0, m.lo / d}, m.lo % d
	}
	quotient.hi, rest = m.hi/d, m.hi%d
	quotient.lo, rest = bits.Div64(rest, m.lo, d)
	return quotient, rest
}

// dropDigits divides by 10^n, rounding half up. Only the first dropped digit decides.
func (m mag128) dropDigits(n int) mag128 {
	if m.hi == 0 && n <= 19 {
		unit := pow10u(n)
		quotient, rest := m.lo/unit, m.lo%unit
		if rest >= unit/2 {
			quotient++
		}
		return mag128{0, quotient}
	}
	m = m.cutDigits(n - 1)
	m, last := m.div(10)
	if last >= 5 {
		lo, carry := bits.Add64(m.lo, 1, 0)
		m = mag128{m.hi + carry, lo}
	}
	return m
}

// cutDigits divides by 10^n, rounding down.
func (m mag128) cutDigits(n int) mag128 {
	for ; n > 19; n -= 19 {
		m, _ = m.div(pow10u(19))
	}
	if n > 0 {
		m, _ = m.div(pow10u(n))
	}
	return m
}

// mulDigits multiplies by 10^n; the product must fit 38 digits.
func (m mag128) mulDigits(n int) mag128 {
	p := pow10(n)
	hi, lo := bits.Mul64(m.lo, p.lo)
	return mag128{hi + m.hi*p.lo + m.lo*p.hi, lo}
}

// rescale brings a decimal from one scale to another, rounding half up; ok is false where the result
// has more than prec digits.
func rescale(v decimal128.Num, from, to, prec int) (out decimal128.Num, ok bool) {
	m, neg := magnitude(v)
	switch {
	case to > from:
		if !m.fits(prec - (to - from)) {
			return out, m == mag128{}
		}
		m = m.mulDigits(to - from)
	case to < from:
		m = m.dropDigits(from - to)
		fallthrough
	default:
		if !m.fits(prec) {
			return out, false
		}
	}
	return m.signed(neg), true
}

// asInt64 tells whether a decimal fits an int64.
func asInt64(v decimal128.Num) (int64, bool) {
	lo := int64(v.LowBits())
	return lo, v.HighBits() == lo>>63
}

// decimalMul multiplies: the exact product, of scale s1+s2, brought to the scale of the result.
func decimalMul(a, b decimal128.Num, scale, to, prec int) (decimal128.Num, bool) {
	x, negX := magnitude(a)
	y, negY := magnitude(b)
	neg := negX != negY
	if x.hi == 0 && y.hi == 0 {
		hi, lo := bits.Mul64(x.lo, y.lo)
		m := mag128{hi, lo}
		if scale > to {
			m = m.dropDigits(scale - to)
		}
		return m.signed(neg), m.fits(prec)
	}
	p := mul256(x, y)
	if drop := scale - to; drop > 0 {
		for drop--; drop > 0; drop -= 19 {
			p.div(pow10u(min(drop, 19)))
		}
		if p.div(10) >= 5 {
			p.increment()
		}
	}
	m := mag128{p[1], p[0]}
	return m.signed(neg), p[2]|p[3] == 0 && m.fits(prec)
}

// mag256 is the magnitude of a product, lowest word first.
type mag256 [4]uint64

func mul256(x, y mag128) (p mag256) {
	for i, a := range [2]uint64{x.lo, x.hi} {
		var carry uint64
		for j, b := range [2]uint64{y.lo, y.hi} {
			hi, lo := bits.Mul64(a, b)
			lo, c := bits.Add64(lo, carry, 0)
			hi += c
			p[i+j], c = bits.Add64(p[i+j], lo, 0)
			carry = hi + c
		}
		p[i+2] = carry
	}
	return p
}

// div divides in place and gives the rest.
func (p *mag256) div(d uint64) (rest uint64) {
	for i := 3; i >= 0; i-- {
		p[i], rest = bits.Div64(rest, p[i], d)
	}
	return rest
}

func (p *mag256) increment() {
	carry := uint64(1)
	for i := range p {
		p[i], carry = bits.Add64(p[i], 0, carry)
	}
}

// bigDecimal is a decimal for the rare operations whose steps leave 128 bits.
func bigDecimal(v decimal128.Num) *big.Int { return v.BigInt() }

func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// fromBig brings a big integer of a scale to another, rounding half up.
func fromBig(v *big.Int, from, to, prec int) (out decimal128.Num, ok bool) {
	if to > from {
		v = new(big.Int).Mul(v, bigPow10(to-from))
	} else if to < from {
		v = divHalfUp(v, bigPow10(from-to))
	}
	if v.CmpAbs(bigPow10(prec)) >= 0 {
		return out, false
	}
	return decimal128.FromBigInt(v), true
}

// divHalfUp divides, rounding half away from zero; b is positive.
func divHalfUp(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Lsh(r, 1); r.CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign())))
	}
	return q
}

// decimalAdd adds decimals of scales s1 and s2; subtracting is adding the negated.
func decimalAdd(a decimal128.Num, s1 int, b decimal128.Num, s2, to, prec int) (decimal128.Num, bool) {
	scale := max(s1, s2)
	x, okX := rescale(a, s1, scale, 37)
	y, okY := rescale(b, s2, scale, 37)
	if okX && okY {
		return rescale(x.Add(y), scale, to, prec)
	}
	p, q := bigDecimal(a), bigDecimal(b)
	p.Mul(p, bigPow10(scale-s1))
	q.Mul(q, bigPow10(scale-s2))
	return fromBig(p.Add(p, q), scale, to, prec)
}

// decimalDiv divides as Flink does: the quotient is rounded to 38 digits, then to the scale of the
// result. The divisor must not be zero.
func decimalDiv(a decimal128.Num, s1 int, b decimal128.Num, s2, to, prec int) (decimal128.Num, bool) {
	x, negX := magnitude(a)
	y, negY := magnitude(b)
	neg := negX != negY
	// With a divisor below 10^17 and a quotient of one word, rounding twice equals rounding once.
	if k := to + s2 - s1; x.hi == 0 && y.hi == 0 && y.lo < pow10u(17) && k >= 0 && k <= 19 {
		hi, lo := bits.Mul64(x.lo, pow10u(k))
		if hi < y.lo {
			q, r := bits.Div64(hi, lo, y.lo)
			if r >= y.lo-r {
				q++
			}
			m := mag128{0, q}
			return m.signed(neg), m.fits(prec)
		}
	}
	p, q := bigDecimal(x.signed(false)), bigDecimal(y.signed(false))
	k := 38 - (len(p.String()) - len(q.String()))
	quotient := scaledQuotient(p, q, k)
	if len(quotient.String()) > 38 {
		k--
		quotient = scaledQuotient(p, q, k)
	}
	out, ok := fromBig(quotient, k+s1-s2, to, prec)
	if neg {
		out = out.Negate()
	}
	return out, ok
}

// scaledQuotient is p * 10^k / q, rounded half up.
func scaledQuotient(p, q *big.Int, k int) *big.Int {
	if k < 0 {
		return divHalfUp(p, new(big.Int).Mul(q, bigPow10(-k)))
	}
	return divHalfUp(new(big.Int).Mul(p, bigPow10(k)), q)
}

// decimalMod is the rest of a division truncated to an integer; it has the sign of a. b is not zero.
func decimalMod(a decimal128.Num, s1 int, b decimal128.Num, s2, to, prec int) (decimal128.Num, bool) {
	if x, ok := asInt64(a); ok && s1 == s2 {
		if y, ok := asInt64(b); ok {
			if y == -1 {
				return decimal128.Num{}, true
			}
			return rescale(decimal128.FromI64(x%y), s1, to, prec)
		}
	}
	scale := max(s1, s2)
	p, q := bigDecimal(a), bigDecimal(b)
	p.Mul(p, bigPow10(scale-s1))
	q.Mul(q, bigPow10(scale-s2))
	return fromBig(p.Rem(p, q), scale, to, prec)
}

// decimalCompare orders decimals of different scales exactly.
func decimalCompare(a decimal128.Num, s1 int, b decimal128.Num, s2 int) int {
	if s1 == s2 {
		return a.Cmp(b)
	}
	scale := max(s1, s2)
	x, okX := rescale(a, s1, scale, 38)
	y, okY := rescale(b, s2, scale, 38)
	if okX && okY {
		return x.Cmp(y)
	}
	p, q := bigDecimal(a), bigDecimal(b)
	return p.Mul(p, bigPow10(scale-s1)).Cmp(q.Mul(q, bigPow10(scale-s2)))
}

// decimalToFloat gives the double nearest to a decimal.
func decimalToFloat(v decimal128.Num, scale int) float64 {
	if x, ok := asInt64(v); ok && x < 1<<53 && x > -(1<<53) && scale <= 22 {
		return float64(x) / math.Pow10(scale)
	}
	var buf [48]byte
	f, _ := strconv.ParseFloat(string(AppendDecimal(buf[:0], v, scale)), 64)
	return f
}

// decimalToInt cuts the fraction off and keeps the low 64 bits, as Java narrows.
func decimalToInt(v decimal128.Num, scale int) int64 {
	m, neg := magnitude(v)
	m = m.cutDigits(scale)
	if neg {
		return -int64(m.lo)
	}
	return int64(m.lo)
}

// parseState says how reading a decimal ended.
type parseState uint8

const (
	parseOK parseState = iota
	parseBad
	parseOverflow
)

// ParseDecimal reads a decimal as "-12.5e3" and rounds it half up to DECIMAL(prec, scale). ok is false
// where the text is no number or has too many digits.
func ParseDecimal(text string, prec, scale int) (v decimal128.Num, ok bool) {
	v, state := parseDecimal(text, prec, scale)
	return v, state == parseOK
}

func parseDecimal(s string, prec, scale int) (out decimal128.Num, state parseState) {
	s, neg := cutSign(trimSpace(s))
	digits := make([]byte, 0, 48)
	shift, point := scale, false
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		if len(digits) > 0 || c != '0' {
			digits = append(digits, c)
		}
		if point {
			shift--
		}
	}
	if i == 0 { // Flink reads a lone point as zero
		return out, parseBad
	}
	if i < len(s) {
		exp, ok := parseExponent(s[i:])
		if !ok {
			return out, parseBad
		}
		shift += exp
	}
	return digitsToDecimal(digits, shift, prec, neg)
}

func cutSign(s string) (rest string, neg bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

// parseExponent reads "e-3", or "e" as Flink does; exponents beyond any decimal are cut short.
func parseExponent(s string) (exp int, ok bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s, neg := cutSign(s[1:])
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		exp = min(exp*10+int(c-'0'), 1<<20)
	}
	if neg {
		exp = -exp
	}
	return exp, true
}

// digitsToDecimal gives digits * 10^shift, rounded half up.
func digitsToDecimal(digits []byte, shift, prec int, neg bool) (out decimal128.Num, state parseState) {
	up := false
	if shift < 0 {
		keep := len(digits) + shift
		if keep < 0 {
			return out, parseOK
		}
		up = keep < len(digits) && digits[keep] >= '5'
		digits, shift = digits[:keep], 0
	}
	if len(digits) == 0 && !up {
		return out, parseOK
	}
	if len(digits)+shift > prec {
		return out, parseOverflow
	}
	var m mag128
	for _, c := range digits {
		m = m.mulDigits(1)
		lo, carry := bits.Add64(m.lo, uint64(c-'0'), 0)
		m = mag128{m.hi + carry, lo}
	}
	m = m.mulDigits(shift)
	if up {
		lo, carry := bits.Add64(m.lo, 1, 0)
		m = mag128{m.hi + carry, lo}
	}
	if !m.fits(prec) {
		return out, parseOverflow
	}
	return m.signed(neg), parseOK
}

// trimSpace cuts blanks and control characters off both ends, as Java's trim does.
func trimSpace(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}
