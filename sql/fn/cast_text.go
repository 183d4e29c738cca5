package fn

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// castToString spells values as text; CHAR(n) is padded and cut, VARCHAR(n) cut, in code points.
func castToString(from, to types.Type) castFunc {
	fit := fitText(to)
	if from.IsString() {
		if fit == nil {
			return nil
		}
		return func(_ *castRun, in arrow.Array) arrow.Array { return fitStrings(in, fit) }
	}
	return func(r *castRun, in arrow.Array) arrow.Array {
		text := NewText(from, in, r.zone)
		offsets := make([]int32, in.Len()+1)
		data := make([]byte, 0, 12*in.Len())
		for i := range in.Len() {
			if !text.Null(i) {
				start := len(data)
				data = text.Append(data, i)
				if fit != nil {
					data = fit(data, start)
				}
			}
			offsets[i+1] = int32(len(data))
		}
		return vec.Strings(offsets, data, copyValid(in))
	}
}

// fitText gives what brings the value data[start:] to the length of the type, nil for STRING.
func fitText(t types.Type) func(data []byte, start int) []byte {
	if t.Kind == types.VarChar && t.Length == types.MaxLength {
		return nil
	}
	pad := t.Kind == types.Char
	return func(data []byte, start int) []byte {
		count, at := 0, start
		for at < len(data) && count < t.Length {
			_, n := utf8.DecodeRune(data[at:])
			at += n
			count++
		}
		data = data[:at]
		for ; pad && count < t.Length; count++ {
			data = append(data, ' ')
		}
		return data
	}
}

func fitStrings(in arrow.Array, fit func([]byte, int) []byte) arrow.Array {
	text := vec.TextOf(vec.ColVec(in))
	offsets := make([]int32, in.Len()+1)
	data := make([]byte, 0, vec.SizeOf(in))
	for i := range in.Len() {
		if !text.Null(i) {
			start := len(data)
			data = fit(append(data, text.Bytes(i)...), start)
		}
		offsets[i+1] = int32(len(data))
	}
	return vec.Strings(offsets, data, copyValid(in))
}

// castToBytes turns text or bytes into bytes; BINARY(n) is padded with zeros and cut, VARBINARY(n) cut.
func castToBytes(to types.Type) castFunc {
	return func(_ *castRun, in arrow.Array) arrow.Array {
		if to.Length == types.MaxLength {
			return asBinary(in)
		}
		text := vec.TextOf(vec.ColVec(in))
		offsets := make([]int32, in.Len()+1)
		data := make([]byte, 0, vec.SizeOf(in))
		for i := range in.Len() {
			if !text.Null(i) {
				v := text.Bytes(i)
				v = v[:min(len(v), to.Length)]
				data = append(data, v...)
				if to.Kind == types.Binary {
					data = append(data, make([]byte, to.Length-len(v))...)
				}
			}
			offsets[i+1] = int32(len(data))
		}
		return vec.Binaries(offsets, data, copyValid(in))
	}
}

// asBinary reads text as its bytes, sharing them.
func asBinary(in arrow.Array) arrow.Array {
	d := in.Data()
	return array.MakeFromData(array.NewData(arrow.BinaryTypes.Binary, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset()))
}
