package vec

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
)

// valueWriter appends values of a variable-width column, without marker.
type valueWriter struct {
	nulls Nulls
	put   func(dst []byte, i int) []byte
}

func (w valueWriter) null(i int) bool { return w.nulls.Is(i) }

func newValueWriter(t types.Type, a arrow.Array) valueWriter {
	w := valueWriter{nulls: NullsOf(a)}
	if w.nulls.all {
		return w
	}
	if t.IsString() || t.IsBytes() || t.Kind == types.Symbol {
		text := TextOf(ColVec(a))
		w.put = func(dst []byte, i int) []byte { return appendEscaped(dst, text.Bytes(i)) }
		return w
	}
	switch a := a.(type) {
	case *array.List:
		w.put = listWriter(a.ValueOffsets, nestedWriter(*t.Elem, a.ListValues()))
	case *array.Map:
		kt, vt := mapTypes(t)
		keys, items := nestedWriter(kt, MapKeys(a)), nestedWriter(vt, a.Items())
		w.put = listWriter(a.ValueOffsets, func(dst []byte, i int) []byte { return items(keys(dst, i), i) })
	case *array.Struct:
		fields := make([]func([]byte, int) []byte, len(t.Fields))
		for i := range fields {
			fields[i] = nestedWriter(t.Fields[i].Type, a.Field(i))
		}
		w.put = func(dst []byte, i int) []byte {
			for _, f := range fields {
				dst = f(dst, i)
			}
			return dst
		}
	}
	return w
}

// mapTypes gives the types of the keys and items of a MAP or MULTISET.
func mapTypes(t types.Type) (key, item types.Type) {
	if t.Kind == types.Multiset {
		return *t.Elem, types.IntType
	}
	return *t.Key, *t.Elem
}

// nestedWriter appends marker and value of an element.
func nestedWriter(t types.Type, a arrow.Array) func([]byte, int) []byte {
	k := NewKeyEncoder([]KeyCol{{Type: t}}).cols[0]
	if k.width < 0 {
		w := newValueWriter(t, a)
		return func(dst []byte, i int) []byte { return k.appendValue(dst, w, i) }
	}
	put, nulls := k.fixedWriter(a), NullsOf(a)
	return func(dst []byte, i int) []byte {
		start := len(dst)
		dst = append(dst, make([]byte, 1+k.width)...)
		if !nulls.Is(i) {
			dst[start] = k.notNul
			put(dst[start+1:], i)
		}
		return dst
	}
}

func listWriter(span func(int) (int64, int64), elem func([]byte, int) []byte) func([]byte, int) []byte {
	return func(dst []byte, i int) []byte {
		lo, hi := span(i)
		for ; lo < hi; lo++ {
			dst = elem(append(dst, 1), int(lo))
		}
		return append(dst, 0)
	}
}

func appendEscaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, 0)
		if i < 0 {
			dst = append(dst, s...)
			return append(dst, 0, 1)
		}
		dst = append(append(dst, s[:i+1]...), 0xff)
		s = s[i+1:]
	}
}
