package fn

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
)

// AppendJSON appends value i of a column of type t as JSON, a type without a JSON form as its text.
func AppendJSON(dst []byte, t types.Type, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	if checkJSON(t) != nil {
		return appendJSONString(dst, string(AppendText(nil, t, a, i, nil)))
	}
	return newJSONWriter(t, a)(dst, i)
}

// AppendJSONString appends a text as a JSON string.
func AppendJSONString(dst []byte, s string) []byte { return appendJSONString(dst, s) }
