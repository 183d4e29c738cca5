package format

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/fn"
)

func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// trim takes away what Java's String.trim does: blanks and control characters.
func trim(s []byte) []byte {
	return bytes.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// parseJavaInt reads a whole number as Java's parseLong: an optional sign and digits, in bits.
func parseJavaInt(s []byte, bits int) (int64, bool) {
	if len(s) == 0 || len(s) > 1 && (s[1] == '+' || s[1] == '-') {
		return 0, false
	}
	for i, c := range s {
		if c-'0' > 9 && (i > 0 || c != '+' && c != '-') {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(str(s), 10, bits)
	return v, err == nil
}

// floatToInt truncates a number written with a fraction or exponent.
func floatToInt(s []byte, bits int) (int64, bool) {
	f, err := strconv.ParseFloat(str(s), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	if bits == 32 && (f < math.MinInt32 || f > math.MaxInt32) {
		return 0, false
	}
	if f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, false
	}
	return int64(f), true
}

// parseJavaFloat reads a number as Java's parseDouble: with an optional suffix, NaN and Infinity.
func parseJavaFloat(s []byte, bits int) (float64, bool) {
	if v, ok := specialFloat(s); ok {
		return v, true
	}
	if n := len(s); n > 1 && (s[n-1]|0x20 == 'd' || s[n-1]|0x20 == 'f') {
		s = s[:n-1]
	}
	for _, c := range s {
		if c-'0' > 9 && c != '+' && c != '-' && c != '.' && c|0x20 != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(str(s), bits)
	if err != nil && err.(*strconv.NumError).Err != strconv.ErrRange {
		return 0, false
	}
	return f, true
}

func specialFloat(s []byte) (float64, bool) {
	switch str(s) {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), true
	case "Infinity", "+Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

var pow10u = [19]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// parseDecimal reads a number as Java's BigDecimal and fits it to DECIMAL(prec, scale), rounding half
// up. fits is false where it has too many digits (the value is then NULL), ok where it is no number.
func parseDecimal(s []byte, prec, scale int) (v decimal128.Num, fits, ok bool) {
	neg, digits, exp, ok := splitDecimal(s)
	if !ok {
		return v, false, false
	}
	shift := exp + scale
	if len(digits) <= 18 && shift <= 18-len(digits) && shift >= -18 {
		return smallDecimal(digits, shift, prec, neg)
	}
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits)+shift < 0 {
		return v, true, true
	}
	if len(digits)+shift > prec {
		return v, false, true
	}
	n, _ := new(big.Int).SetString(string(digits), 10)
	n = scaleBig(n, shift)
	if n.CmpAbs(bigPow10(prec)) >= 0 {
		return v, false, true
	}
	if neg {
		n.Neg(n)
	}
	return decimal128.FromBigInt(n), true, true
}

func bigPow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// scaleBig is n times 10^shift, rounded half up.
func scaleBig(n *big.Int, shift int) *big.Int {
	if shift >= 0 {
		return n.Mul(n, bigPow10(shift))
	}
	unit := bigPow10(-shift)
	half := new(big.Int).Rsh(unit, 1)
	return n.Quo(n.Add(n, half), unit)
}

func smallDecimal(digits []byte, shift, prec int, neg bool) (v decimal128.Num, fits, ok bool) {
	u := uint64(0)
	for _, c := range digits {
		u = u*10 + uint64(c-'0')
	}
	if shift >= 0 {
		u *= pow10u[shift]
	} else {
		unit := pow10u[-shift]
		u = (u + unit/2) / unit
	}
	if prec < 19 && u >= pow10u[prec] {
		return v, false, true
	}
	if neg {
		return decimal128.FromI64(-int64(u)), true, true
	}
	return decimal128.FromI64(int64(u)), true, true
}

// splitDecimal takes a number apart: its digits without the point, and the exponent of the last.
func splitDecimal(s []byte) (neg bool, digits []byte, exp int, ok bool) {
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if e := bytes.IndexAny(s, "eE"); e >= 0 {
		x, ok := parseJavaInt(s[e+1:], 32)
		if !ok || x < -100000 || x > 100000 {
			return neg, nil, 0, false
		}
		exp, s = int(x), s[:e]
	}
	if dot := bytes.IndexByte(s, '.'); dot >= 0 {
		exp -= len(s) - dot - 1
		s = append(append(make([]byte, 0, 40), s[:dot]...), s[dot+1:]...)
	}
	if len(s) == 0 || len(s) > 10000 {
		return neg, nil, 0, false
	}
	for _, c := range s {
		if c-'0' > 9 {
			return neg, nil, 0, false
		}
	}
	return neg, s, exp, true
}

// appendDouble writes a FLOAT (32 bits) or DOUBLE as Java does.
func appendDouble(dst []byte, f float64, bits int) []byte {
	if bits == 32 {
		return fn.AppendFloat(dst, float32(f))
	}
	return fn.AppendDouble(dst, f)
}

// absDigits writes the digits of a DECIMAL without sign and point.
func absDigits(dst []byte, v decimal128.Num) []byte {
	if low := int64(v.LowBits()); v.HighBits() == low>>63 {
		u := uint64(low)
		if low < 0 {
			u = -u
		}
		return strconv.AppendUint(dst, u, 10)
	}
	n := v.BigInt()
	return n.Abs(n).Append(dst, 10)
}

// appendDecimal writes a DECIMAL as BigDecimal does: plain with all its digits, or as toString
// without trailing zeros ("1E+2").
func appendDecimal(dst []byte, v decimal128.Num, scale int, plain bool) []byte {
	var room [40]byte
	digits := absDigits(room[:0], v)
	if v.Sign() < 0 {
		dst = append(dst, '-')
	}
	if !plain {
		if v.Sign() == 0 {
			return append(dst, '0')
		}
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
			scale--
		}
		if exp := len(digits) - 1 - scale; scale < 0 || exp < -6 {
			return appendScientific(dst, digits, exp)
		}
	}
	if scale <= 0 {
		return append(dst, digits...)
	}
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = append(bytes.Repeat([]byte{'0'}, pad), digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	return append(append(dst, '.'), digits[len(digits)-scale:]...)
}

func appendScientific(dst, digits []byte, exp int) []byte {
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	dst = append(dst, 'E')
	if exp >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// appendJavaDecimal writes a DECIMAL as BigDecimal.toString: all its digits, in scientific notation
// only where it is very small.
func appendJavaDecimal(dst []byte, v decimal128.Num, scale int) []byte {
	digits := absDigits(nil, v)
	if exp := len(digits) - 1 - scale; scale > 0 && exp < -6 {
		if v.Sign() < 0 {
			dst = append(dst, '-')
		}
		return appendScientific(dst, digits, exp)
	}
	return appendDecimal(dst, v, scale, true)
}
