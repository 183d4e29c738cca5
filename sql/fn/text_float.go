package fn

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// Floats are spelled as Java 17 spells them, because Flink's answers are. Java up to 18 stops at
// digits that tell a double from its neighbours, yet not always at the fewest (2.0E-3 has one,
// 2.2250738585072014E-308 one too many), so Go's shortest form will not do. The digits come from
// the fraction b/s in the classic way of Steele and White, with m the distance to a neighbour.

// AppendDouble appends a DOUBLE as Flink spells it: "1.0E7", "0.1", "NaN", "-Infinity".
func AppendDouble(dst []byte, f float64) []byte {
	dst, done := appendNonFinite(dst, f)
	if done {
		return dst
	}
	raw := math.Float64bits(f)
	exp, frac := int(raw>>52)&0x7ff, raw&(1<<52-1)
	significant := 53
	if exp == 0 {
		zeros := bits.LeadingZeros64(frac)
		frac <<= zeros - 11
		exp = 12 - zeros
		significant = 64 - zeros
	}
	return appendFloatDigits(dst, exp-1023, frac|1<<52, significant)
}

// AppendFloat appends a FLOAT as Flink spells it.
func AppendFloat(dst []byte, f float32) []byte {
	dst, done := appendNonFinite(dst, float64(f))
	if done {
		return dst
	}
	raw := math.Float32bits(f)
	exp, frac := int(raw>>23)&0xff, uint64(raw&(1<<23-1))
	significant := 24
	if exp == 0 {
		zeros := bits.LeadingZeros32(uint32(frac))
		frac <<= zeros - 8
		exp = 9 - zeros
		significant = 32 - zeros
	}
	return appendFloatDigits(dst, exp-127, (frac|1<<23)<<29, significant)
}

// appendNonFinite appends NaN, an infinity or a zero, or else the sign alone.
func appendNonFinite(dst []byte, f float64) ([]byte, bool) {
	if f != f {
		return append(dst, "NaN"...), true
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	switch {
	case math.IsInf(f, 0):
		return append(dst, "Infinity"...), true
	case f == 0:
		return append(dst, "0.0"...), true
	}
	return dst, false
}

// floatDigits are decimal digits with the point before digit 0 moved right by point.
type floatDigits struct {
	buf   [32]byte
	n     int
	point int
}

func (d *floatDigits) add(q int64) {
	d.buf[d.n] = byte('0' + q)
	d.n++
}

// roundUp adds one to the last digit. Zeros it leaves behind stay, as in Java.
func (d *floatDigits) roundUp() {
	i := d.n - 1
	for i > 0 && d.buf[i] == '9' {
		d.buf[i] = '0'
		i--
	}
	if d.buf[i] == '9' {
		d.buf[i] = '1'
		d.point++
		return
	}
	d.buf[i]++
}

// append writes plain digits for 0.001 to 10,000,000 and the E form for the rest.
func (d *floatDigits) append(dst []byte) []byte {
	all := d.buf[:d.n]
	switch {
	case d.point > 0 && d.point < 8:
		whole := min(d.n, d.point)
		dst = append(dst, all[:whole]...)
		for range d.point - whole {
			dst = append(dst, '0')
		}
		return appendFraction(append(dst, '.'), all[whole:])
	case d.point <= 0 && d.point > -3:
		dst = append(dst, "0."...)
		for range -d.point {
			dst = append(dst, '0')
		}
		return append(dst, all...)
	}
	dst = appendFraction(append(dst, all[0], '.'), all[1:])
	return strconv.AppendInt(append(dst, 'E'), int64(d.point-1), 10)
}

func appendFraction(dst, frac []byte) []byte {
	if len(frac) == 0 {
		return append(dst, '0')
	}
	return append(dst, frac...)
}

// appendFloatDigits appends frac * 2^(exp-52), frac having its highest bit at 52 and the given number of
// bits that the type really holds.
func appendFloatDigits(dst []byte, exp int, frac uint64, significant int) []byte {
	var d floatDigits
	tail := bits.TrailingZeros64(frac)
	fracBits := 53 - tail
	tiny := max(0, fracBits-exp-1) // bits right of the binary point
	if tiny == 0 && exp <= 62 && exp >= -21 {
		d.integer(exp, frac, significant)
		return d.append(dst)
	}
	decExp := estimateDecExp(frac, exp)
	r := floatRatio{frac: frac >> tail, b5: max(0, -decExp), s5: max(0, decExp), decExp: decExp}
	r.b2 = r.b5 + tiny + exp
	r.s2 = r.s5 + tiny
	r.m2 = r.b2 - significant
	r.b2 -= fracBits - 1
	common := min(r.b2, r.s2)
	r.b2, r.s2, r.m2 = r.b2-common, r.s2-common, r.m2-common
	if fracBits == 1 {
		r.m2-- // the neighbour below a power of two is half as far away
	}
	if r.m2 < 0 {
		r.b2, r.s2, r.m2 = r.b2-r.m2, r.s2-r.m2, 0
	}
	bBits := fracBits + r.b2 + floatBitsOf5(r.b5)
	tenBits := r.s2 + 1 + floatBitsOf5(r.s5+1)
	switch {
	case bBits < 32 && tenBits < 32:
		smallDigits[int32](&d, &r)
	case bBits < 64 && tenBits < 64:
		smallDigits[int64](&d, &r)
	default:
		bigDigits(&d, &r)
	}
	return d.append(dst)
}

// integer takes the digits of a whole number, leaving out those that the type cannot tell apart.
func (d *floatDigits) integer(exp int, frac uint64, significant int) {
	value := frac
	if exp >= 52 {
		value <<= exp - 52
	} else {
		value >>= 52 - exp
	}
	drop := 0
	if p := exp - significant - 1; exp > significant && p > 1 {
		drop = p * 30103 / 100000 // whole decimal digits in p bits
		pow := uint64(1)
		for range drop {
			pow *= 10
		}
		rest := value % pow
		value /= pow
		if drop > 0 && rest >= pow/2 {
			value++
		}
	}
	for value%10 == 0 {
		value /= 10
		drop++
	}
	text := strconv.AppendUint(d.buf[:0], value, 10)
	d.n = len(text)
	d.point = d.n + drop
}

// estimateDecExp estimates the decimal exponent; it may be one too high.
func estimateDecExp(frac uint64, exp int) int {
	mantissa := math.Float64frombits(1023<<52 | frac&(1<<52-1))
	// float64() keeps each step rounded on machines that would fuse multiply and add.
	estimate := float64((mantissa-1.5)*0.289529654) + 0.176091259
	return int(math.Floor(estimate + float64(float64(exp)*0.301029995663981)))
}

// floatBitsOf5 is the number of bits of 5^n, as Java's table and its fallback give it.
func floatBitsOf5(n int) int {
	switch {
	case n == 0:
		return 0
	case n < 27:
		return bits.Len64(floatPow5(n))
	}
	return 3 * n
}

func floatPow5(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 5
	}
	return p
}

// floatRatio is the number as frac * 5^b5 * 2^b2 / (5^s5 * 2^s2) * 10^decExp; 5^b5 * 2^m2 is the distance
// to its neighbours in the unit of the numerator.
type floatRatio struct {
	frac       uint64
	b2, b5     int
	s2, s5, m2 int
	decExp     int
}

// smallDigits takes the digits in machine integers; m may overflow, which means that it is past b.
func smallDigits[T int32 | int64](d *floatDigits, r *floatRatio) {
	b := T(r.frac) * T(floatPow5(r.b5)) << r.b2
	s := T(floatPow5(r.s5)) << r.s2
	m := T(floatPow5(r.b5)) << r.m2
	tens := s * 10
	decExp := r.decExp
	q := b / s
	b = 10 * (b % s)
	m *= 10
	low, high := b < m, b+m > tens
	if q == 0 && !high {
		decExp--
	} else {
		d.add(int64(q))
	}
	if decExp < -3 || decExp >= 8 {
		low, high = false, false // the E form wants a second digit
	}
	for !low && !high {
		q = b / s
		b = 10 * (b % s)
		m *= 10
		if m > 0 {
			low, high = b < m, b+m > tens
		} else {
			low, high = true, true
		}
		d.add(int64(q))
	}
	d.point = decExp + 1
	d.finish(low, high, int(min(1, max(-1, (b<<1)-tens))))
}

// bigDigits takes the digits in big integers.
func bigDigits(d *floatDigits, r *floatRatio) {
	five := big.NewInt(5)
	pow := func(n5, n2 int) *big.Int {
		p := new(big.Int).Exp(five, big.NewInt(int64(n5)), nil)
		return p.Lsh(p, uint(n2))
	}
	ten := big.NewInt(10)
	s := pow(r.s5, r.s2)
	b := new(big.Int).Mul(new(big.Int).SetUint64(r.frac), pow(r.b5, r.b2))
	m := pow(r.b5+1, r.m2+1)
	tens := pow(r.s5+1, r.s2+1)
	q, sum := new(big.Int), new(big.Int)
	next := func() (low, high bool) {
		q.QuoRem(b, s, b)
		b.Mul(b, ten)
		return b.Cmp(m) < 0, tens.Cmp(sum.Add(b, m)) <= 0
	}
	decExp := r.decExp
	low, high := next()
	if q.Sign() == 0 && !high {
		decExp--
	} else {
		d.add(q.Int64())
	}
	if decExp < -3 || decExp >= 8 {
		low, high = false, false
	}
	for !low && !high {
		m.Mul(m, ten)
		low, high = next()
		d.add(q.Int64())
	}
	d.point = decExp + 1
	d.finish(low, high, b.Lsh(b, 1).Cmp(tens))
}

// finish rounds the last digit. half says how twice the rest compares with one unit of that digit.
func (d *floatDigits) finish(low, high bool, half int) {
	odd := d.n > 0 && d.buf[d.n-1]&1 != 0
	if high && (!low || half > 0 || half == 0 && odd) {
		d.roundUp()
	}
}
