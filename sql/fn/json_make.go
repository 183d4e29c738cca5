package fn

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var jsonMakeFuncs = []*Func{
	arrayFunc("JSON_STRING", "JSON_STRING(value)", "Writes a value as JSON: arrays, maps with text keys and rows too; NULL for NULL.", 1, 1, bindJSONString,
		"JSON_STRING(ARRAY[1, 2])", "[1,2]", "JSON_STRING(1.5)", "1.5"),
	arrayFunc("JSON_OBJECT", "JSON_OBJECT(key VALUE value, ... [NULL | ABSENT ON NULL])", "Makes the text of a JSON object, its keys in order. A NULL value is written as null (the default) or left out. Results of JSON_OBJECT, JSON_ARRAY and JSON are put in as they are.", 1, -1, bindJSONObject,
		"JSON_OBJECT('k' VALUE 1, 'n' VALUE CAST(NULL AS INT))", `{"k":1,"n":null}`),
	arrayFunc("JSON_ARRAY", "JSON_ARRAY(value, ... [NULL | ABSENT ON NULL])", "Makes the text of a JSON array. A NULL value is left out (the default) or written as null. Results of JSON_OBJECT, JSON_ARRAY and JSON are put in as they are.", 1, -1, bindJSONArray,
		"JSON_ARRAY(1, 'a', CAST(NULL AS INT))", `[1,"a"]`, "JSON_ARRAY(1, CAST(NULL AS INT) NULL ON NULL)", "[1,null]"),
	declare("JSON", "JSON(string)", "Stands inside of JSON_OBJECT and JSON_ARRAY: puts a text in as the JSON it is. Fails where it is not JSON.",
		sig{in: pp(pText), out: returnsString, eval: textCtxEval(types.StringType, jsonRow)}, `JSON_OBJECT('a' VALUE JSON('{"x": [1, 2]}'))`, `{"a":{"x":[1,2]}}`),
	declare("JSON_QUOTE", "JSON_QUOTE(string)", "Quotes a text as JSON does, with all but ASCII characters as \\u escapes.",
		sig{in: pp(pText), out: returnsString, eval: textOf1(appendJSONQuoted)}, `JSON_QUOTE('a"b')`, `"a\"b"`),
	declare("JSON_UNQUOTE", "JSON_UNQUOTE(string)", "Takes the quotes and escapes of a JSON text away; what is not a quoted text stays as it is.",
		sig{in: pp(pText), out: returnsString, eval: textOf1(appendJSONUnquoted)}, `JSON_UNQUOTE('"a\"b"')`, `a"b`),
}

func bindJSONString(args []Arg) (*Call, error) {
	t := args[0].Type
	if err := checkJSON(t); err != nil {
		return nil, err
	}
	kernel := textEval(func(a []vec.Vec) textRow {
		put := newJSONWriter(t, a[0].Arr)
		return func(dst []byte, i int) ([]byte, bool) { return put(dst, a[0].At(i)), true }
	})
	return &Call{Args: []types.Type{t}, Type: types.StringType.WithNull(!t.NotNull), Eval: noNullKeys(kernel)}, nil
}

// rawJSON tells whether an argument is the result of a function that gives JSON text.
func rawJSON(a Arg) bool {
	return a.Call == "JSON_OBJECT" || a.Call == "JSON_ARRAY" || a.Call == "JSON"
}

// jsonItem writes one value of an object or array.
type jsonItem struct {
	vec   vec.Vec
	nulls vec.Nulls
	put   jsonWriter
}

func jsonItems(args []Arg, a []vec.Vec) []jsonItem {
	out := make([]jsonItem, len(a))
	for k, v := range a {
		out[k] = jsonItem{vec: v, nulls: vec.NullsOf(v.Arr), put: newJSONWriter(args[k].Type, v.Arr)}
		if rawJSON(args[k]) {
			text := vec.TextOf(vec.ColVec(v.Arr))
			out[k].put = func(dst []byte, i int) []byte { return append(dst, text.Bytes(i)...) }
		}
	}
	return out
}

func (it *jsonItem) null(i int) bool { return it.nulls.Is(it.vec.At(i)) }

func (it *jsonItem) append(dst []byte, i int) []byte {
	if it.null(i) {
		return append(dst, "null"...)
	}
	return it.put(dst, it.vec.At(i))
}

// bindJSONArray takes the null clause first: JSON_ARRAY(clause, value, ...).
func bindJSONArray(args []Arg) (*Call, error) {
	keepNulls := symbol(args, 0) == "NULL"
	for _, a := range args[1:] {
		if err := checkJSON(a.Type); err != nil {
			return nil, err
		}
	}
	kernel := evalAll(func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		items := jsonItems(args[1:], a[1:])
		return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
			dst = append(dst, '[')
			first := true
			for k := range items {
				if items[k].null(i) && !keepNulls {
					continue
				}
				if !first {
					dst = append(dst, ',')
				}
				first = false
				dst = items[k].append(dst, i)
			}
			return append(dst, ']'), true
		})
	})
	return &Call{Args: argTypes(args), Type: types.StringType.WithNull(false), Eval: noNullKeys(kernel)}, nil
}

var errNullKey = errors.New("a key is NULL; use COALESCE or leave such rows out")

// bindJSONObject takes the null clause first: JSON_OBJECT(clause, key, value, ...).
func bindJSONObject(args []Arg) (*Call, error) {
	dropNulls := symbol(args, 0) == "ABSENT"
	if len(args)%2 == 0 {
		return nil, fmt.Errorf("wants a value for each key")
	}
	for i, a := range args[1:] {
		if i%2 == 0 && !a.Type.IsString() {
			return nil, fmt.Errorf("wants a string as key, got %s", a.Type)
		}
		if err := checkJSON(a.Type); err != nil {
			return nil, err
		}
	}
	kernel := evalAll(func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		items := jsonItems(args[1:], a[1:])
		order := make([]int, 0, len(items)/2)
		return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
			var ok bool
			if order, ok = keyOrder(order[:0], items, i, dropNulls); !ok {
				fail.at(i, fmt.Errorf("JSON_OBJECT: %w", errNullKey))
				return nil, false
			}
			dst = append(dst, '{')
			for k, at := range order {
				if k > 0 {
					dst = append(dst, ',')
				}
				dst = append(items[at].append(dst, i), ':')
				dst = items[at+1].append(dst, i)
			}
			return append(dst, '}'), true
		})
	})
	return &Call{Args: argTypes(args), Type: types.StringType.WithNull(false), Eval: noNullKeys(kernel)}, nil
}

// keyOrder lists the places of the keys to write, in order; of equal keys the last counts.
func keyOrder(order []int, items []jsonItem, row int, dropNulls bool) ([]int, bool) {
	key := func(at int) string {
		t := vec.TextOf(items[at].vec)
		return t.String(row)
	}
	for at := 0; at < len(items); at += 2 {
		if items[at].null(row) {
			return order, false
		}
		if !(dropNulls && items[at+1].null(row)) {
			order = append(order, at)
		}
	}
	sort.SliceStable(order, func(x, y int) bool { return key(order[x]) < key(order[y]) })
	out := order[:0]
	for k, at := range order {
		if k+1 < len(order) && key(at) == key(order[k+1]) {
			continue
		}
		out = append(out, at)
	}
	return out, true
}

func jsonRow(_ *Ctx, a []vec.Vec, fail *failure) textRow {
	s := vec.TextOf(a[0])
	return func(dst []byte, i int) ([]byte, bool) {
		v, err := parseJSON(s.String(i))
		if err != nil {
			fail.at(i, err)
			return nil, false
		}
		return appendJSON(dst, v), true
	}
}

func appendJSONQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			dst = append(dst, '\\', byte(r))
		case r < 0x80:
			if at := strings.IndexByte("\b\f\n\r\t", byte(r)); at >= 0 {
				dst = append(dst, '\\', "bfnrt"[at])
			} else {
				dst = append(dst, byte(r))
			}
		case r > 0xffff:
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
	}
	return append(dst, '"')
}

func appendJSONUnquoted(dst []byte, s string) []byte {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return append(dst, s...)
	}
	at := len(dst)
	for in := s[1 : len(s)-1]; in != ""; {
		if in[0] == '"' {
			return append(dst[:at], s...)
		}
		r, n := utf8.DecodeRuneInString(in)
		if in[0] == '\\' {
			var ok bool
			if r, n, ok = unescape(in); !ok {
				return append(dst[:at], s...)
			}
		}
		dst = utf8.AppendRune(dst, r)
		in = in[n:]
	}
	return dst
}
