package fn

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"weir/sql/types"
	"weir/sql/vec"
)

// jsonListResults is the text of JSON_ARRAYAGG and JSON_OBJECTAGG.
type jsonListResults struct {
	object bool
	out    *vec.TextBuilder
}

func (r *jsonListResults) null() { r.out.AppendNull() }

func (r *jsonListResults) vec() (vec.Vec, error) { return vec.ColVec(r.out.Array()), nil }

func (r *jsonListResults) add(e entries) error {
	var parts [][]byte
	for len(e) > 0 {
		v, rest, err := nextEntry(e)
		if err != nil {
			return err
		}
		parts = append(parts, v)
		e = rest
	}
	open, end := byte('['), byte(']')
	if r.object {
		open, end = '{', '}'
		slices.SortFunc(parts, func(a, b []byte) int { return bytes.Compare(jsonKeyPart(a), jsonKeyPart(b)) })
		for i := 1; i < len(parts); i++ {
			if bytes.Equal(jsonKeyPart(parts[i-1]), jsonKeyPart(parts[i])) {
				return fmt.Errorf("JSON_OBJECTAGG saw the key %s twice; keys must be unique within a group", jsonKeyPart(parts[i]))
			}
		}
	}
	buf := append(r.out.Scratch(), open)
	for i, p := range parts {
		if i > 0 {
			buf = append(buf, ',')
		}
		if r.object {
			k := jsonKeyPart(p)
			buf = append(append(append(buf, k...), ':'), p[len(k)+1:]...)
			continue
		}
		buf = append(buf, p...)
	}
	r.out.AppendScratch(append(buf, end))
	return nil
}

// jsonKeyPart is the quoted key of an entry "key" 0 value; JSON text holds no raw 0.
func jsonKeyPart(entry []byte) []byte { return entry[:max(bytes.IndexByte(entry, 0), 0)] }

var jsonAggType = types.VarCharType(2000).WithNull(false)

// jsonNulls reads the trailing ON NULL keyword.
func jsonNulls(args []Arg, byDefault bool) bool {
	if len(args) == 0 {
		return byDefault
	}
	word, ok := literalText(args[0])
	if !ok {
		return byDefault
	}
	return !strings.HasPrefix(strings.ToUpper(word), "ABSENT")
}

// bindJSONArrayAgg is JSON_ARRAYAGG(x [NULL | ABSENT ON NULL]); ABSENT is the default.
func bindJSONArrayAgg(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	if err := checkJSON(t); err != nil {
		return nil, err
	}
	nulls := jsonNulls(args[1:], false)
	call := listCall(t, jsonAggType, true, func(aggCodec) *listKind {
		return &listKind{
			name: "JSON_ARRAYAGG", nulls: nulls,
			start: func(args []vec.Vec, _, _ int) (func(i int) ([]byte, error), error) {
				put := newJSONWriter(t, args[0].Arr)
				var buf []byte
				return func(i int) ([]byte, error) { buf = put(buf[:0], i); return buf, nil }, nil
			},
			results: func() listResults { return &jsonListResults{out: vec.NewTextBuilder()} },
		}
	})
	for _, a := range args[1:] {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}

// bindJSONObjectAgg is JSON_OBJECTAGG(KEY k VALUE v [NULL | ABSENT ON NULL]); NULL is the default.
func bindJSONObjectAgg(args []Arg, _ bool) (*AggCall, error) {
	kt, vt := args[0].Type, args[1].Type
	if !kt.IsString() {
		return nil, fmt.Errorf("JSON_OBJECTAGG wants a string as key, got %s (write CAST(... AS STRING))", kt)
	}
	if err := checkJSON(vt); err != nil {
		return nil, err
	}
	nulls := jsonNulls(args[2:], true)
	start := func(args []vec.Vec, _, _ int) (func(i int) ([]byte, error), error) {
		key, value := newJSONWriter(kt, args[0].Arr), newJSONWriter(vt, args[1].Arr)
		var buf []byte
		return func(i int) ([]byte, error) {
			if args[0].Arr.IsNull(i) {
				return nil, fmt.Errorf("JSON_OBJECTAGG saw NULL as a key; filter such rows out")
			}
			if !nulls && args[1].Arr.IsNull(i) {
				return nil, nil
			}
			buf = append(key(buf[:0], i), 0)
			buf = value(buf, i)
			return buf, nil
		}, nil
	}
	call := listCall(kt, jsonAggType, true, func(aggCodec) *listKind {
		return &listKind{
			name: "JSON_OBJECTAGG", nulls: true, start: start,
			results: func() listResults { return &jsonListResults{object: true, out: vec.NewTextBuilder()} },
		}
	})
	for _, a := range args[1:] {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}
