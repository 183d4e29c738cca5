package fn

import "math"

// Java rounds logarithms, powers and tangents nearly always to the nearest double; Go's are often
// one off in the last place. So these are worked out with twice the digits.

// double2 is a number as the exact sum of two doubles, the second below the last place of the first.
type double2 struct{ hi, lo float64 }

func sum2(a, b float64) double2 {
	s := a + b
	t := s - a
	return double2{s, (a - (s - t)) + (b - t)}
}

func product2(a, b float64) double2 {
	p := a * b
	return double2{p, math.FMA(a, b, -p)}
}

func (x double2) add(y double2) double2 {
	s := sum2(x.hi, y.hi)
	return sum2(s.hi, s.lo+x.lo+y.lo)
}

func (x double2) mul(y double2) double2 {
	p := product2(x.hi, y.hi)
	return sum2(p.hi, p.lo+x.hi*y.lo+x.lo*y.hi)
}

func (x double2) scale(f float64) double2 { return x.mul(double2{hi: f}) }

func (x double2) div(y double2) double2 {
	q := x.hi / y.hi
	r := x.add(y.scale(-q))
	q2 := r.hi / y.hi
	r = r.add(y.scale(-q2))
	return sum2(q, q2).add(double2{hi: r.hi / y.hi})
}

func (x double2) value() float64 { return x.hi + x.lo }

// Constants to 106 bits, and pi/2 to 159.
var (
	ln2Exact    = double2{0.6931471805599453, 2.3190468138462996e-17}
	ln10Exact   = double2{2.302585092994046, -2.1707562233822494e-16}
	halfPi      = double2{1.5707963267948966, 6.123233995736766e-17}
	halfPiThird = -1.4973849048591698e-33
)

// exp2 is e to the power of x, for |x| < 700.
func exp2(x double2) double2 {
	k := math.Round(x.hi / math.Ln2)
	const halvings = 8
	r := x.add(ln2Exact.scale(-k)).scale(1.0 / (1 << halvings))
	// e^r - 1 by its series; squaring undoes the halvings.
	term, p := r, r
	for n := 2.0; n < 10; n++ {
		term = term.mul(r).div(double2{hi: n})
		p = p.add(term)
	}
	for range halvings {
		p = p.scale(2).add(p.mul(p))
	}
	p = p.add(double2{hi: 1})
	return double2{math.Ldexp(p.hi, int(k)), math.Ldexp(p.lo, int(k))}
}

// log2 is the natural logarithm of a positive number of ordinary size.
func log2(x float64) double2 {
	y := math.Log(x)
	e := exp2(double2{hi: -y}).scale(x).add(double2{hi: -1})
	return double2{hi: y}.add(e).add(e.mul(e).scale(-0.5))
}

// ordinary tells whether log2 can take the number.
func ordinary(x float64) bool { return x > 1e-290 && x < 1e290 }

func log10(x float64) float64 {
	if !ordinary(x) {
		return math.Log10(x)
	}
	return log2(x).div(ln10Exact).value()
}

func power(base, exponent float64) float64 {
	if exponent == 2 {
		return base * base
	}
	out := math.Pow(base, exponent)
	if !ordinary(base) || !ordinary(math.Abs(exponent)) || !ordinary(out) || base == 1 {
		return out
	}
	if n := math.Abs(exponent); n <= 64 && n == math.Trunc(n) {
		return wholePower(base, int(exponent))
	}
	return exp2(log2(base).scale(exponent)).value()
}

// wholePower multiplies out.
func wholePower(base float64, n int) float64 {
	out, square := double2{hi: 1}, double2{hi: base}
	for k := max(n, -n); k > 0; k >>= 1 {
		if k&1 != 0 {
			out = out.mul(square)
		}
		square = square.mul(square)
	}
	if n < 0 {
		out = double2{hi: 1}.div(out)
	}
	return out.value()
}

// sinCos2 gives sine and cosine of x for |x| < 1e5.
func sinCos2(x float64) (sin, cos double2) {
	k := math.Round(x / (math.Pi / 2))
	r := double2{hi: x}.add(product2(-k, halfPi.hi)).add(product2(-k, halfPi.lo)).add(double2{hi: -k * halfPiThird})
	square := r.mul(r).scale(-1)
	sin, cos = r, double2{hi: 1}
	st, ct := r, cos
	for n := 1.0; n < 28; n += 2 {
		ct = ct.mul(square).div(double2{hi: n * (n + 1)})
		cos = cos.add(ct)
		st = st.mul(square).div(double2{hi: (n + 1) * (n + 2)})
		sin = sin.add(st)
	}
	switch int64(k) & 3 {
	case 1:
		return cos, sin.scale(-1)
	case 2:
		return sin.scale(-1), cos.scale(-1)
	case 3:
		return cos.scale(-1), sin
	}
	return sin, cos
}

func tan(x float64) float64 {
	if a := math.Abs(x); a > 1e5 || a < 1e-8 || math.IsNaN(x) {
		return math.Tan(x)
	}
	sin, cos := sinCos2(x)
	return sin.div(cos).value()
}

// arcCos and arcSin correct Go's value by one step towards the angle whose cosine or sine x is.
func arcCos(x float64) float64 {
	y := math.Acos(x)
	sin, cos := sinCos2(y)
	if math.IsNaN(y) || math.Abs(sin.hi) < 1e-3 {
		return y
	}
	return double2{hi: y}.add(cos.add(double2{hi: -x}).div(sin)).value()
}

func arcSin(x float64) float64 {
	y := math.Asin(x)
	sin, cos := sinCos2(y)
	if math.IsNaN(y) || math.Abs(cos.hi) < 1e-3 {
		return y
	}
	return double2{hi: y}.add(double2{hi: x}.add(sin.scale(-1)).div(cos)).value()
}
