package fn

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

type anyInteger interface{ int8 | int16 | int32 | int64 }

type anyNumber interface{ anyInteger | float32 | float64 }

// castNumber casts between BOOLEAN and the numbers.
func castNumber(from, to types.Type) castFunc {
	if from.Kind == to.Kind && from.Kind != types.Decimal {
		return nil
	}
	switch from.Kind {
	case types.Boolean:
		return castFromBool(to)
	case types.TinyInt:
		return castFromInt[int8](to)
	case types.SmallInt:
		return castFromInt[int16](to)
	case types.Int:
		return castFromInt[int32](to)
	case types.BigInt:
		return castFromInt[int64](to)
	case types.Float:
		return castFromFloat[float32](to)
	case types.Double:
		return castFromFloat[float64](to)
	}
	return castFromDecimal(from, to)
}

// fixedCast is a cast by a loop over the raw values.
func fixedCast[S, D arrow.FixedWidthType](to types.Type, loop func(out []D, in []S)) castFunc {
	layout := to.Arrow()
	return func(_ *castRun, in arrow.Array) arrow.Array {
		out := make([]D, in.Len())
		loop(out, vec.Values[S](in))
		return vec.Fixed(layout, out, copyValid(in))
	}
}

func castFromBool(to types.Type) castFunc {
	return func(r *castRun, in arrow.Array) arrow.Array {
		bits := vec.BitsOf(in)
		ones := make([]int8, in.Len())
		for i := range ones {
			if bits.At(i) {
				ones[i] = 1
			}
		}
		out := vec.Int8s(ones, copyValid(in))
		if cast := castFromInt[int8](to); to.Kind != types.TinyInt {
			return cast(r, out)
		}
		return out
	}
}

func castFromInt[S anyInteger](to types.Type) castFunc {
	switch to.Kind {
	case types.Boolean:
		return castToBool[S]
	case types.TinyInt:
		return fixedCast(to, convert[S, int8])
	case types.SmallInt:
		return fixedCast(to, convert[S, int16])
	case types.Int:
		return fixedCast(to, convert[S, int32])
	case types.BigInt:
		return fixedCast(to, convert[S, int64])
	case types.Float:
		return fixedCast(to, convert[S, float32])
	case types.Double:
		return fixedCast(to, convert[S, float64])
	}
	return decimalCast(to, func(v S) (decimal128.Num, bool) {
		return rescale(decimal128.FromI64(int64(v)), 0, to.Scale, to.Prec)
	})
}

// convert wraps integers that do not fit, as Java does.
func convert[S, D anyNumber](out []D, in []S) {
	for i, v := range in {
		out[i] = D(v)
	}
}

func castFromFloat[S float32 | float64](to types.Type) castFunc {
	switch to.Kind {
	case types.Boolean:
		return castToBool[S]
	case types.TinyInt:
		return fixedCast(to, narrow[S, int8])
	case types.SmallInt:
		return fixedCast(to, narrow[S, int16])
	case types.Int:
		return fixedCast(to, narrow[S, int32])
	case types.BigInt:
		return fixedCast(to, func(out []int64, in []S) {
			for i, v := range in {
				out[i] = saturateInt(float64(v), math.MinInt64, math.MaxInt64)
			}
		})
	case types.Float:
		return fixedCast(to, convert[S, float32])
	case types.Double:
		return fixedCast(to, convert[S, float64])
	}
	return castFloatToDecimal[S](to)
}

// narrow saturates at the ends of INT and then wraps to smaller integers, as Java does: 1e20 is -1 as
// TINYINT.
func narrow[S float32 | float64, D int8 | int16 | int32](out []D, in []S) {
	for i, v := range in {
		out[i] = D(saturateInt(float64(v), math.MinInt32, math.MaxInt32))
	}
}

// saturateInt cuts the fraction of a float off, keeping within the limits; NaN is 0.
func saturateInt(f float64, low, high int64) int64 {
	switch {
	case f != f:
		return 0
	case f >= float64(high):
		return high
	case f <= float64(low):
		return low
	}
	return int64(f)
}

func castFloatToDecimal[S float32 | float64](to types.Type) castFunc {
	return func(r *castRun, in arrow.Array) arrow.Array {
		values, out := vec.Values[S](in), make([]decimal128.Num, in.Len())
		valid := editable(in)
		var buf [32]byte
		for i, v := range values {
			if !valid.Get(i) {
				continue
			}
			text := AppendDouble(buf[:0], float64(v))
			d, state := parseDecimal(string(text), to.Prec, to.Scale)
			if state == parseBad {
				r.fail(i, fmt.Errorf("cannot cast %s to '%s'", text, to))
			}
			if state != parseOK {
				valid.Clear(i)
			}
			out[i] = d
		}
		return vec.Decimals(to, out, valid)
	}
}

// editable copies the validity of an array as bits that can be cleared.
func editable(in arrow.Array) vec.Bitmap {
	if valid := copyValid(in); valid != nil {
		return valid
	}
	return vec.FullBitmap(in.Len())
}

// decimalCast casts to DECIMAL by a function that says where the value does not fit; those are NULL.
func decimalCast[S arrow.FixedWidthType](to types.Type, f func(S) (decimal128.Num, bool)) castFunc {
	return func(_ *castRun, in arrow.Array) arrow.Array {
		values, out := vec.Values[S](in), make([]decimal128.Num, in.Len())
		valid := copyValid(in)
		for i, v := range values {
			d, ok := f(v)
			if !ok {
				if valid == nil {
					valid = vec.FullBitmap(len(out))
				}
				valid.Clear(i)
				continue
			}
			out[i] = d
		}
		return vec.Decimals(to, out, valid)
	}
}

func castFromDecimal(from, to types.Type) castFunc {
	switch to.Kind {
	case types.Decimal:
		if from.Scale == to.Scale && from.Prec <= to.Prec {
			return relabelDecimal(to)
		}
		return decimalCast(to, func(v decimal128.Num) (decimal128.Num, bool) {
			return rescale(v, from.Scale, to.Scale, to.Prec)
		})
	case types.Boolean:
		return castToBool[decimal128.Num]
	case types.Float:
		return fixedCast(to, func(out []float32, in []decimal128.Num) {
			for i, v := range in {
				out[i] = float32(decimalToFloat(v, from.Scale))
			}
		})
	case types.Double:
		return fixedCast(to, func(out []float64, in []decimal128.Num) {
			for i, v := range in {
				out[i] = decimalToFloat(v, from.Scale)
			}
		})
	case types.TinyInt:
		return decimalToInts[int8](from, to)
	case types.SmallInt:
		return decimalToInts[int16](from, to)
	case types.Int:
		return decimalToInts[int32](from, to)
	}
	return decimalToInts[int64](from, to)
}

// relabelDecimal gives the same values another precision.
func relabelDecimal(to types.Type) castFunc {
	return func(_ *castRun, in arrow.Array) arrow.Array {
		return vec.Decimals(to, vec.Values[decimal128.Num](in), copyValid(in))
	}
}

func decimalToInts[D anyInteger](from, to types.Type) castFunc {
	return fixedCast(to, func(out []D, in []decimal128.Num) {
		for i, v := range in {
			out[i] = D(decimalToInt(v, from.Scale))
		}
	})
}

// castToBool makes TRUE of all but zero.
func castToBool[S anyNumber | decimal128.Num](_ *castRun, in arrow.Array) arrow.Array {
	values, bits := vec.Values[S](in), vec.NewBitmap(in.Len())
	var zero S
	for i, v := range values {
		if v != zero {
			bits.Set(i)
		}
	}
	return vec.Bools(bits, in.Len(), copyValid(in))
}
