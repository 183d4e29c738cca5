package datagen

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// block is the rows to make: n from row from on.
type block struct {
	seed uint64
	from uint64
	n    int
	now  int64 // microseconds UTC
}

// at gives the random bits of row i of the block.
func (g *gen) at(b block, i int) uint64 {
	return connectors.Mix(b.seed ^ g.salt + (b.from+uint64(i))*0x9e3779b97f4a7c15)
}

const nullSalt = 0x6e756c6c

// nulls draws which rows are NULL; nil is none.
func (g *gen) nulls(b block) vec.Bitmap {
	if g.nullRate <= 0 {
		return nil
	}
	valid := vec.NewBitmap(b.n)
	for i := range b.n {
		if unit(connectors.Mix(g.at(b, i)^nullSalt)) >= g.nullRate {
			valid.Set(i)
		}
	}
	return valid
}

// unit maps random bits to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// between maps random bits to [lo, hi].
func between(h uint64, lo, hi int64) int64 {
	span := uint64(hi-lo) + 1
	if span == 0 {
		return int64(h)
	}
	return lo + int64(h%span)
}

func fixed[T arrow.FixedWidthType](g *gen, b block, value func(h uint64) T) arrow.Array {
	out := make([]T, b.n)
	for i := range out {
		out[i] = value(g.at(b, i))
	}
	return vec.Fixed(g.typ.Arrow(), out, g.nulls(b))
}

// whole makes whole numbers; a loop without calls, since it is the commonest column.
func whole[T int8 | int16 | int32 | int64](g *gen, b block) arrow.Array {
	out := make([]T, b.n)
	if g.sequence {
		for i := range out {
			out[i] = T(g.start + int64(b.from) + int64(i))
		}
		return vec.Fixed(g.typ.Arrow(), out, g.nulls(b))
	}
	lo, span := g.lo, uint64(g.hi-g.lo)+1
	for i := range out {
		h := g.at(b, i)
		if span != 0 {
			h %= span
		}
		out[i] = T(lo + int64(h))
	}
	return vec.Fixed(g.typ.Arrow(), out, g.nulls(b))
}

// fill makes a column.
func (g *gen) fill(b block) arrow.Array {
	switch g.typ.Kind {
	case types.Boolean:
		bits := vec.NewBitmap(b.n)
		for i := range b.n {
			if g.at(b, i)&1 != 0 {
				bits.Set(i)
			}
		}
		return vec.Bools(bits, b.n, g.nulls(b))
	case types.TinyInt:
		return whole[int8](g, b)
	case types.SmallInt:
		return whole[int16](g, b)
	case types.Int, types.IntervalYM:
		return whole[int32](g, b)
	case types.BigInt, types.IntervalDS:
		return whole[int64](g, b)
	case types.Float:
		return reals[float32](g, b)
	case types.Double:
		return reals[float64](g, b)
	case types.Decimal:
		return g.decimals(b)
	case types.Char, types.VarChar:
		return g.strings(b)
	case types.Binary, types.VarBinary:
		return g.bytes(b)
	case types.Date:
		return fixed(g, b, func(h uint64) int32 { return int32(floorDiv(g.local(h, b), 86400e6)) })
	case types.Time0:
		return fixed(g, b, func(h uint64) int32 {
			us := g.local(h, b)
			return int32((us - floorDiv(us, 86400e6)*86400e6) / 1000)
		})
	case types.Timestamp, types.TimestampLTZ:
		return g.timestamps(b)
	}
	return g.nested(b)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (g *gen) real(h uint64) float64 {
	u := unit(h)
	return g.flo*(1-u) + g.fhi*u
}

func reals[T float32 | float64](g *gen, b block) arrow.Array {
	out := make([]T, b.n)
	for i := range out {
		if g.sequence {
			out[i] = T(g.start + int64(b.from) + int64(i))
		} else {
			out[i] = T(g.real(g.at(b, i)))
		}
	}
	return vec.Fixed(g.typ.Arrow(), out, g.nulls(b))
}

// moment is now less a random part of max-past, in whole milliseconds.
func (g *gen) moment(h uint64, b block) int64 {
	us := b.now
	if g.past > 0 {
		us -= int64(h % uint64(g.past))
	}
	return floorDiv(us, 1000) * 1000
}

// local is the moment on the session's clock.
func (g *gen) local(h uint64, b block) int64 {
	us := g.moment(h, b)
	if g.zone == time.UTC {
		return us
	}
	_, off := time.UnixMicro(us).In(g.zone).Zone()
	return us + int64(off)*1e6
}

func (g *gen) timestamps(b block) arrow.Array {
	us := make([]int64, b.n)
	for i := range us {
		if g.typ.Kind == types.TimestampLTZ {
			us[i] = g.moment(g.at(b, i), b)
		} else {
			us[i] = g.local(g.at(b, i), b)
		}
	}
	if g.typ.Nanos() {
		return vec.Nanos(us, make([]int16, b.n), g.nulls(b))
	}
	return vec.Timestamps(g.typ, us, g.nulls(b))
}

func (g *gen) decimals(b block) arrow.Array {
	out := make([]decimal128.Num, b.n)
	unit64 := math.Pow(10, float64(g.typ.Scale))
	small := g.typ.Prec <= 18
	for i := range out {
		switch h := g.at(b, i); {
		case g.sequence:
			out[i] = decimal128.FromI64(g.start + int64(b.from) + int64(i)).IncreaseScaleBy(int32(g.typ.Scale))
		case small:
			out[i] = decimal128.FromI64(between(h, int64(math.Ceil(g.flo*unit64)), int64(math.Floor(g.fhi*unit64))))
		default:
			v, err := decimal128.FromFloat64(g.real(h), int32(g.typ.Prec), int32(g.typ.Scale))
			if err == nil {
				out[i] = v
			}
		}
	}
	return vec.Decimals(g.typ, out, g.nulls(b))
}

func (g *gen) size(h uint64) int {
	if !g.varLen || g.length == 0 {
		return g.length
	}
	return 1 + int(h%uint64(g.length))
}

const hexDigits = "0123456789abcdef"

func (g *gen) strings(b block) arrow.Array {
	offsets := make([]int32, b.n+1)
	data := make([]byte, 0, b.n*min(g.length, 128))
	for i := range b.n {
		if g.sequence {
			data = strconv.AppendInt(data, g.start+int64(b.from)+int64(i), 10)
		} else {
			h := g.at(b, i)
			for left := g.size(h); left > 0; left -= 16 {
				h = connectors.Mix(h)
				for k, w := 0, h; k < 16 && k < left; k++ {
					data = append(data, hexDigits[w&15])
					w >>= 4
				}
			}
		}
		offsets[i+1] = int32(len(data))
	}
	return vec.Strings(offsets, data, g.nulls(b))
}

func (g *gen) bytes(b block) arrow.Array {
	offsets := make([]int32, b.n+1)
	var data []byte
	for i := range b.n {
		h := g.at(b, i)
		for left := g.size(h); left > 0; left-- {
			h = connectors.Mix(h)
			data = append(data, byte(h))
		}
		offsets[i+1] = int32(len(data))
	}
	return vec.Binaries(offsets, data, g.nulls(b))
}

// nested makes ARRAY, MAP, MULTISET and ROW columns.
func (g *gen) nested(b block) arrow.Array {
	if g.typ.Kind == types.Row {
		fields := make([]arrow.Array, len(g.kids))
		for i, k := range g.kids {
			fields[i] = k.fill(b)
		}
		return vec.Structs(g.typ.Arrow().(*arrow.StructType), b.n, fields, g.nulls(b))
	}
	offsets := make([]int32, b.n+1)
	for i := range b.n {
		offsets[i+1] = offsets[i] + int32(g.length)
	}
	inner := block{seed: b.seed ^ g.salt, from: b.from * uint64(max(g.length, 1)), n: int(offsets[b.n]), now: b.now}
	first := g.kids[0].fill(inner)
	switch g.typ.Kind {
	case types.Map:
		return vec.Maps(offsets, first, g.kids[1].fill(inner), g.nulls(b))
	case types.Multiset:
		ones := make([]int32, inner.n)
		for i := range ones {
			ones[i] = 1
		}
		return vec.Maps(offsets, first, vec.Int32s(ones, nil), g.nulls(b))
	}
	return vec.Lists(offsets, first, g.nulls(b))
}
