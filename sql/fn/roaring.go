package fn

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// Bitmaps are sets of 32-bit integers, kept as BYTES in the portable format of Roaring bitmaps,
// since weir has no BITMAP type: BITMAP_TO_BYTES and BITMAP_FROM_BYTES change nothing.
var bitmapFuncs = []*Func{
	arrayFunc("BITMAP_BUILD", "BITMAP_BUILD(array)", "Makes a bitmap (BYTES) of an array of INT; NULL elements are passed over.", 1, 1, bindBitmapBuild, "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[5, 1, 2]))", "{1,2,5}"),
	bitmapOp("BITMAP_AND", "in both bitmaps", func(a, b bool) bool { return a && b }, "BITMAP_TO_STRING(BITMAP_AND(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3])))", "{2}"),
	bitmapOp("BITMAP_OR", "in either bitmap", func(a, b bool) bool { return a || b }, "BITMAP_TO_STRING(BITMAP_OR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3])))", "{1,2,3}"),
	bitmapOp("BITMAP_XOR", "in one bitmap only", func(a, b bool) bool { return a != b }, "BITMAP_TO_STRING(BITMAP_XOR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3])))", "{1,3}"),
	bitmapOp("BITMAP_ANDNOT", "in the first bitmap and not in the second", func(a, b bool) bool { return a && !b }, "BITMAP_TO_STRING(BITMAP_ANDNOT(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3])))", "{1}"),
	declare("BITMAP_CARDINALITY", "BITMAP_CARDINALITY(bitmap)", "Counts the integers of a bitmap.",
		sig{in: pp(pBytes), out: returnsBigInt, eval: fixedCtxEval(types.BigIntType, bitmapCountRow)}, "BITMAP_CARDINALITY(BITMAP_BUILD(ARRAY[1, 2, 5]))", "3"),
	declare("BITMAP_TO_STRING", "BITMAP_TO_STRING(bitmap)", "Prints the integers of a bitmap in order.",
		sig{in: pp(pBytes), out: returnsString, eval: textCtxEval(types.StringType, bitmapTextRow)}, "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[1, 2]))", "{1,2}"),
	declare("BITMAP_TO_ARRAY", "BITMAP_TO_ARRAY(bitmap)", "Gives the integers of a bitmap as an array, in order.",
		sig{in: pp(pBytes), out: returns(types.ArrayType(types.IntType)), eval: eval(types.ArrayType(types.IntType), bitmapArrayColumn)}, "BITMAP_TO_ARRAY(BITMAP_BUILD(ARRAY[2, 1]))", "[1, 2]"),
	declare("BITMAP_TO_BYTES", "BITMAP_TO_BYTES(bitmap)", "Gives a bitmap in the portable format of Roaring bitmaps.",
		sig{in: pp(pBytes), out: returnsBytes, eval: textCtxEval(types.BytesType, bitmapSameRow)}, "CAST(BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[1])) IS NULL AS STRING)", "FALSE"),
	declare("BITMAP_FROM_BYTES", "BITMAP_FROM_BYTES(bytes)", "Reads a bitmap in the portable format of Roaring bitmaps; fails where it is not one.",
		sig{in: pp(pBytes), out: returnsBytes, eval: textCtxEval(types.BytesType, bitmapSameRow)}, "BITMAP_CARDINALITY(BITMAP_FROM_BYTES(BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[1]))))", "1"),
}

const (
	roaringPlain  = 12346
	roaringRuns   = 12347
	roaringSmall  = 4096 // a container with more values is a bit set
	roaringBytes  = 8192 // of a bit set
	roaringNoOffs = 4    // fewer containers, with runs, have no table of offsets
)

var errBitmap = errors.New("the bytes are not a Roaring bitmap")

// appendBitmap writes sorted values in the portable format, with runs where they are shorter.
func appendBitmap(dst []byte, values []uint32) []byte {
	var chunks [][]uint32
	for len(values) > 0 {
		n := 1
		for n < len(values) && values[n]>>16 == values[0]>>16 {
			n++
		}
		chunks, values = append(chunks, values[:n]), values[n:]
	}
	runs, anyRuns := make([]byte, (len(chunks)+7)/8), false
	for i, c := range chunks {
		if 2+4*countRuns(c) < min(2*len(c), roaringBytes) {
			runs[i>>3] |= 1 << (i & 7)
			anyRuns = true
		}
	}
	start, le := len(dst), binary.LittleEndian
	if anyRuns {
		dst = append(le.AppendUint32(dst, roaringRuns|uint32(len(chunks)-1)<<16), runs...)
	} else {
		dst = le.AppendUint32(le.AppendUint32(dst, roaringPlain), uint32(len(chunks)))
	}
	for _, c := range chunks {
		dst = le.AppendUint16(le.AppendUint16(dst, uint16(c[0]>>16)), uint16(len(c)-1))
	}
	offsets := len(dst)
	if !anyRuns || len(chunks) >= roaringNoOffs {
		dst = append(dst, make([]byte, 4*len(chunks))...)
	} else {
		offsets = -1
	}
	for i, c := range chunks {
		if offsets >= 0 {
			le.PutUint32(dst[offsets+4*i:], uint32(len(dst)-start))
		}
		dst = appendContainer(dst, c, anyRuns && runs[i>>3]&(1<<(i&7)) != 0)
	}
	return dst
}

func countRuns(c []uint32) int {
	n := 1
	for i := 1; i < len(c); i++ {
		if c[i] != c[i-1]+1 {
			n++
		}
	}
	return n
}

func appendContainer(dst []byte, c []uint32, run bool) []byte {
	le := binary.LittleEndian
	switch {
	case run:
		dst = le.AppendUint16(dst, uint16(countRuns(c)))
		for len(c) > 0 {
			n := 1
			for n < len(c) && c[n] == c[n-1]+1 {
				n++
			}
			dst, c = le.AppendUint16(le.AppendUint16(dst, uint16(c[0])), uint16(n-1)), c[n:]
		}
	case len(c) > roaringSmall:
		at := len(dst)
		dst = append(dst, make([]byte, roaringBytes)...)
		for _, v := range c {
			dst[at+int(v&0xffff)>>3] |= 1 << (v & 7)
		}
	default:
		for _, v := range c {
			dst = le.AppendUint16(dst, uint16(v))
		}
	}
	return dst
}

// bitmapReader reads the portable format; every length is checked.
type bitmapReader struct {
	b   []byte
	bad bool
}

func (r *bitmapReader) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		return make([]byte, min(n, roaringBytes))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *bitmapReader) u16() int { return int(binary.LittleEndian.Uint16(r.take(2))) }

func readBitmap(b []byte) ([]uint32, error) {
	r := &bitmapReader{b: b}
	cookie := binary.LittleEndian.Uint32(r.take(4))
	size, plain := 0, cookie == roaringPlain
	var runs []byte
	switch {
	case plain:
		size = int(binary.LittleEndian.Uint32(r.take(4)))
	case cookie&0xffff == roaringRuns:
		size = int(cookie>>16) + 1
		runs = r.take((size + 7) / 8)
	default:
		return nil, errBitmap
	}
	if r.bad || size > 1<<16 || 4*size > len(r.b) {
		return nil, errBitmap
	}
	header := &bitmapReader{b: r.take(4 * size)}
	if plain || size >= roaringNoOffs {
		r.take(4 * size)
	}
	var out []uint32
	for i := 0; i < size && !r.bad; i++ {
		key, count := uint32(header.u16())<<16, header.u16()+1
		out = r.container(out, key, count, runs != nil && runs[i>>3]&(1<<(i&7)) != 0)
	}
	if r.bad || !slices.IsSorted(out) {
		return nil, errBitmap
	}
	return out, nil
}

func (r *bitmapReader) container(out []uint32, key uint32, count int, run bool) []uint32 {
	switch {
	case run:
		for n := r.u16(); n > 0 && !r.bad; n-- {
			first, more := r.u16(), r.u16()
			for v := first; v <= min(first+more, 0xffff); v++ {
				out = append(out, key|uint32(v))
			}
		}
	case count > roaringSmall:
		for i, bits := range r.take(roaringBytes) {
			for k := range 8 {
				if bits&(1<<k) != 0 {
					out = append(out, key|uint32(8*i+k))
				}
			}
		}
	default:
		for ; count > 0 && !r.bad; count-- {
			out = append(out, key|uint32(r.u16()))
		}
	}
	return out
}

func bindBitmapBuild(args []Arg) (*Call, error) {
	t := types.ArrayType(types.IntType).WithNull(!args[0].Type.NotNull)
	if args[0].Type.Kind != types.Null && (args[0].Type.Kind != types.Array || !args[0].Type.Elem.IsInteger() || args[0].Type.Elem.Kind == types.BigInt) {
		return nil, errors.New("wants an array of INT")
	}
	kernel := bytesEval(func(a []vec.Vec) textRow {
		p := poolOf(a, allLists)
		values := columnOf[int32](vec.ColVec(p.elems))
		return func(dst []byte, i int) ([]byte, bool) {
			var set []uint32
			for lo, hi := p.span(0, i); lo < hi; lo++ {
				if !p.elems.IsNull(lo) {
					set = append(set, uint32(values.at(lo)))
				}
			}
			slices.Sort(set)
			return appendBitmap(dst, slices.Compact(set)), true
		}
	})
	return &Call{Args: []types.Type{t}, Type: types.BytesType.WithNull(!t.NotNull), Eval: kernel}, nil
}

// bitmapOp declares a function of two bitmaps; keep says which integers stay.
func bitmapOp(name, what string, keep func(a, b bool) bool, examples ...string) *Func {
	kernel := textCtxEval(types.BytesType, func(_ *Ctx, a []vec.Vec, fail *failure) textRow {
		left, right := vec.TextOf(a[0]), vec.TextOf(a[1])
		return func(dst []byte, i int) ([]byte, bool) {
			x, err := readBitmap(left.Bytes(i))
			y, err2 := readBitmap(right.Bytes(i))
			if err != nil || err2 != nil {
				fail.at(i, errBitmap)
				return nil, false
			}
			return appendBitmap(dst, mergeBitmaps(x, y, keep)), true
		}
	})
	return declare(name, name+"(bitmap1, bitmap2)", "Gives the bitmap of the integers that are "+what+".", sig{in: pp(pBytes, pBytes), out: returnsBytes, eval: kernel}, examples...)
}

func mergeBitmaps(x, y []uint32, keep func(a, b bool) bool) (out []uint32) {
	for len(x) > 0 || len(y) > 0 {
		a := len(y) == 0 || len(x) > 0 && x[0] <= y[0]
		b := len(x) == 0 || len(y) > 0 && y[0] <= x[0]
		var v uint32
		if b {
			v, y = y[0], y[1:]
		}
		if a {
			v, x = x[0], x[1:]
		}
		if keep(a, b) {
			out = append(out, v)
		}
	}
	return out
}

// bitmapRow reads the bitmap of each row for f.
func bitmapRow(a []vec.Vec, fail *failure) func(i int) ([]uint32, bool) {
	s := vec.TextOf(a[0])
	return func(i int) ([]uint32, bool) {
		set, err := readBitmap(s.Bytes(i))
		if err != nil {
			fail.at(i, err)
		}
		return set, err == nil
	}
}

func bitmapCountRow(_ *Ctx, a []vec.Vec, fail *failure) func(int) (int64, bool) {
	read := bitmapRow(a, fail)
	return func(i int) (int64, bool) {
		set, ok := read(i)
		return int64(len(set)), ok
	}
}

func bitmapTextRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	read := bitmapRow(a, fail)
	return func(dst []byte, i int) ([]byte, bool) {
		set, ok := read(i)
		dst = append(dst, '{')
		for k, v := range set {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(v), 10)
		}
		return append(dst, '}'), ok
	}
}

func bitmapSameRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	read, s := bitmapRow(a, fail), vec.TextOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		_, ok := read(i)
		return append(dst, s.Bytes(i)...), ok
	}
}

func bitmapArrayColumn(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
	read := bitmapRow(a, fail)
	offsets, elems := make([]int32, 1, m.n+1), []int32{}
	for i := range m.n {
		if !m.isNull(i) {
			set, ok := read(i)
			if !ok {
				m.setNull(i)
			}
			for _, v := range set {
				elems = append(elems, int32(v))
			}
		}
		offsets = append(offsets, int32(len(elems)))
	}
	return vec.Lists(offsets, vec.Int32s(elems, nil), m.bits)
}
