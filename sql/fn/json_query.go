package fn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var jsonQueryFuncs = []*Func{
	arrayFunc("JSON_VALUE", "JSON_VALUE(json, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [NULL | ERROR | DEFAULT value ON ERROR])",
		"Gives the scalar that a path finds, as STRING or as BOOLEAN, INTEGER or DOUBLE. A path without a mode is strict: what it does not find is an error. In lax mode anything but a scalar, bad JSON too, counts as empty. Both give NULL by default.", 2, 7, bindJSONValue,
		`JSON_VALUE('{"a":1,"b":{"c":"x"}}', '$.b.c')`, "x", `JSON_VALUE('{"a":1}', 'lax $.z' DEFAULT 'd' ON EMPTY)`, "d", `JSON_VALUE('{"a":1.5}', '$.a' RETURNING DOUBLE)`, "1.5"),
	arrayFunc("JSON_QUERY", "JSON_QUERY(json, path [RETURNING type] [WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER] [... ON EMPTY] [... ON ERROR])",
		"Gives the object or array that a path finds, as JSON text or as ARRAY<STRING>, perhaps wrapped in an array. On empty or error it gives NULL (the default), an EMPTY ARRAY, an EMPTY OBJECT or an ERROR.", 2, 6, bindJSONQuery,
		`JSON_QUERY('{"a":{"b":1}}', '$.a')`, `{"b":1}`, `JSON_QUERY('{"a":1}', '$.a' WITH WRAPPER)`, "[1]"),
	arrayFunc("JSON_EXISTS", "JSON_EXISTS(json, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])", "Tells whether a path finds something that is not null. On error it gives FALSE by default.", 2, 3, bindJSONExists,
		`JSON_EXISTS('{"a":1}', '$.a')`, "TRUE", `JSON_EXISTS('{"a":1}', '$.b')`, "FALSE"),
	arrayFunc("IS_JSON", "string IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]", "Tells whether a text is JSON, of a kind; FALSE for NULL.", 1, 2, bindIsJSON,
		`'{"a":1}' IS JSON`, "TRUE", `'[1]' IS JSON OBJECT`, "FALSE"),
}

// jsonPaths gives the compiled path of each row: compiled once for a constant, remembered for a
// column while it does not change.
type jsonPaths struct {
	text  vec.Text
	last  string
	path  *jsonPath
	err   error
	known bool
}

func (p *jsonPaths) at(i int) (*jsonPath, error) {
	text := p.text.String(i)
	if !p.known || text != p.last {
		p.known, p.last = true, strings.Clone(text)
		p.path, p.err = parsePath(text)
	}
	return p.path, p.err
}

// jsonFound is what a path found: an error in strict mode, or nothing in lax mode.
type jsonFound struct {
	value *jsonValue
	lax   bool
	err   error
}

var errJSONNull = errors.New("the path finds null")

// find applies the path of a row. In strict mode what is missing, null too, is an error. In lax mode a path that
// may find several finds none of them where it leads nowhere: an empty array.
func (p *jsonPaths) find(json string, i int) jsonFound {
	path, err := p.at(i)
	if err != nil {
		return jsonFound{err: err}
	}
	v, err := path.find(json)
	switch {
	case path.lax && path.many && path.call == "" && errors.Is(err, errNoPath):
		return jsonFound{value: &jsonValue{kind: jsonArray}, lax: true}
	case path.lax && (err != nil || v.isNull()):
		return jsonFound{lax: true}
	case err != nil:
		return jsonFound{err: fmt.Errorf("JSON path %q: %w", p.last, err)}
	case v.isNull():
		return jsonFound{err: fmt.Errorf("JSON path %q: %w", p.last, errJSONNull)}
	}
	return jsonFound{value: v, lax: path.lax}
}

// jsonArgs checks json and path, which all these functions begin with.
func jsonArgs(args []Arg) error {
	for k, a := range args[:2] {
		if !a.Type.IsString() && a.Type.Kind != types.Null {
			return fmt.Errorf("wants a string as argument %d, got %s", k+1, a.Type)
		}
	}
	return nil
}

// strictOnJSON makes a kernel that is NULL where json or path is, whatever the other arguments.
func strictOnJSON(t types.Type, column func(s vec.Text, paths *jsonPaths, a []vec.Vec, m validity, fail *failure) arrow.Array) Kernel {
	return func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		bits, none := vec.Validity(n, a[:2]...)
		if none {
			return vec.Vec{Arr: vec.NullColumn(t, n), Const: konst}, nil
		}
		var fail failure
		out := column(vec.TextOf(a[0]), &jsonPaths{text: vec.TextOf(a[1])}, a, validity{bits, n}, &fail)
		return vec.Vec{Arr: out, Const: konst}, fail.err
	}
}

// bindJSONValue takes JSON_VALUE(json, path, returning, onEmpty, emptyDefault, onError, errorDefault).
func bindJSONValue(args []Arg) (*Call, error) {
	if err := jsonArgs(args); err != nil {
		return nil, err
	}
	t, err := jsonReturning(symbol(args, 2))
	if err != nil {
		return nil, err
	}
	call := &Call{Type: t}
	for k, a := range args {
		want := a.Type
		if k < 2 {
			want = pText.want(a.Type)
		} else if k == 4 || k == 6 {
			if want = t; !a.Type.Same(t) && !castable(a.Type, t) {
				return nil, fmt.Errorf("has a default of type %s for %s", a.Type, t)
			}
		}
		call.Args = append(call.Args, want)
	}
	onEmpty, onError := symbol(args, 3), symbol(args, 5)
	call.Eval = strictOnJSON(t, func(s vec.Text, paths *jsonPaths, a []vec.Vec, m validity, fail *failure) arrow.Array {
		out, read := vec.NewBuilder(t), jsonScalar(t)
		for i := range m.n {
			if m.isNull(i) {
				out.AppendNull()
				continue
			}
			f := paths.find(s.String(i), i)
			mode, def := onError, 6
			switch {
			case f.err == nil && f.value != nil && f.value.scalar():
				if err := read(out, f.value); err != nil {
					fail.at(i, err)
				}
				continue
			case f.lax:
				mode, def = onEmpty, 4
				f.err = errors.New("the result of JSON_VALUE is empty")
			case f.err == nil:
				f.err = fmt.Errorf("JSON_VALUE wants a scalar, and the path finds %s", appendJSON(nil, f.value))
			}
			appendJSONDefault(out, a, mode, def, f.err, i, fail)
		}
		return out.Array()
	})
	return call, nil
}

func appendJSONDefault(out vec.Builder, a []vec.Vec, mode string, def int, err error, i int, fail *failure) {
	switch {
	case mode == "ERROR":
		fail.at(i, err)
	case mode == "DEFAULT" && def < len(a):
		out.AppendFrom(a[def].Arr, a[def].At(i))
		return
	}
	out.AppendNull()
}

func jsonReturning(name string) (types.Type, error) {
	switch base, _, _ := strings.Cut(name, "("); strings.TrimSpace(base) {
	case "", "STRING", "VARCHAR", "CHAR":
		return types.StringType, nil
	case "BOOLEAN":
		return types.BooleanType, nil
	case "INTEGER", "INT":
		return types.IntType, nil
	case "BIGINT":
		return types.BigIntType, nil
	case "DOUBLE":
		return types.DoubleType, nil
	}
	return types.Type{}, fmt.Errorf("cannot return %s; choose STRING, BOOLEAN, INTEGER, BIGINT or DOUBLE", name)
}

// jsonScalar reads a scalar as the type into the builder; a value of another kind fails and is NULL.
func jsonScalar(t types.Type) func(out vec.Builder, v *jsonValue) error {
	bad := func(out vec.Builder, v *jsonValue) error {
		out.AppendNull()
		return fmt.Errorf("JSON_VALUE cannot return %s as %s", appendJSON(nil, v), t)
	}
	switch t.Kind {
	case types.Boolean:
		return func(out vec.Builder, v *jsonValue) error {
			if v.kind != jsonTrue && v.kind != jsonFalse {
				return bad(out, v)
			}
			out.(*vec.BoolBuilder).Append(v.kind == jsonTrue)
			return nil
		}
	case types.Int, types.BigInt:
		return func(out vec.Builder, v *jsonValue) error {
			bits := 64
			if t.Kind == types.Int {
				bits = 32
			}
			n, err := strconv.ParseInt(v.text, 10, bits)
			switch {
			case err != nil || v.kind != jsonNumber:
				return bad(out, v)
			case bits == 32:
				out.(*vec.FixedBuilder[int32]).Append(int32(n))
			default:
				out.(*vec.FixedBuilder[int64]).Append(n)
			}
			return nil
		}
	case types.Double:
		return func(out vec.Builder, v *jsonValue) error {
			f, err := strconv.ParseFloat(v.text, 64)
			if v.kind != jsonNumber || err != nil && !errors.Is(err, strconv.ErrRange) {
				return bad(out, v)
			}
			out.(*vec.FixedBuilder[float64]).Append(f)
			return nil
		}
	}
	return func(out vec.Builder, v *jsonValue) error {
		b := out.(*vec.TextBuilder)
		if v.kind == jsonString {
			b.AppendString(v.text)
		} else {
			b.AppendScratch(appendJSON(b.Scratch(), v))
		}
		return nil
	}
}

// bindJSONQuery takes JSON_QUERY(json, path, returning, wrapper, onEmpty, onError).
func bindJSONQuery(args []Arg) (*Call, error) {
	if err := jsonArgs(args); err != nil {
		return nil, err
	}
	t := types.StringType
	list := strings.HasPrefix(symbol(args, 2), "ARRAY")
	if list {
		t = stringArray
	}
	wrapper, onEmpty, onError := symbol(args, 3), symbol(args, 4), symbol(args, 5)
	call := &Call{Type: t}
	for k, a := range args {
		want := a.Type
		if k < 2 {
			want = pText.want(a.Type)
		}
		call.Args = append(call.Args, want)
	}
	call.Eval = strictOnJSON(t, func(s vec.Text, paths *jsonPaths, _ []vec.Vec, m validity, fail *failure) arrow.Array {
		results := make([]*jsonValue, m.n)
		for i := range results {
			if !m.isNull(i) {
				results[i] = queryRow(paths.find(s.String(i), i), wrapper, onEmpty, onError, i, fail)
			}
		}
		if !list {
			return textColumn(t, m, func(dst []byte, i int) ([]byte, bool) {
				if results[i] == nil {
					return nil, false
				}
				return appendJSON(dst, results[i]), true
			})
		}
		return jsonLists(results, &m)
	})
	return call, nil
}

// queryRow wraps what was found and turns what is no object or array into the behaviour asked for.
func queryRow(f jsonFound, wrapper, onEmpty, onError string, i int, fail *failure) *jsonValue {
	mode := onError
	if v := f.value; f.err == nil && v != nil {
		if wrapper == "UNCONDITIONAL" || wrapper == "CONDITIONAL" && v.kind != jsonArray {
			v = &jsonValue{kind: jsonArray, items: []*jsonValue{v}}
		}
		if !v.scalar() {
			return v
		}
		f.err = fmt.Errorf("JSON_QUERY wants an array or an object, and the path finds %s", appendJSON(nil, v))
	}
	if f.lax {
		mode, f.err = onEmpty, errors.New("the result of JSON_QUERY is empty")
	}
	switch mode {
	case "ERROR":
		fail.at(i, f.err)
	case "EMPTY ARRAY":
		return &jsonValue{kind: jsonArray}
	case "EMPTY OBJECT":
		return &jsonValue{kind: jsonObject}
	}
	return nil
}

// jsonLists makes an ARRAY<STRING> column; what is no array is NULL.
func jsonLists(results []*jsonValue, m *validity) arrow.Array {
	offsets := make([]int32, 1, len(results)+1)
	out := vec.NewTextBuilder()
	for i, v := range results {
		if v == nil || v.kind != jsonArray {
			m.setNull(i)
		} else {
			for _, item := range v.items {
				switch item.kind {
				case jsonNull:
					out.AppendNull()
				case jsonString:
					out.AppendString(item.text)
				default:
					out.AppendScratch(appendJSON(out.Scratch(), item))
				}
			}
		}
		offsets = append(offsets, int32(out.Len()))
	}
	return vec.Lists(offsets, out.Array(), m.bits)
}

// bindJSONExists takes JSON_EXISTS(json, path, onError).
func bindJSONExists(args []Arg) (*Call, error) {
	if err := jsonArgs(args); err != nil {
		return nil, err
	}
	onError := symbol(args, 2)
	call := &Call{Type: types.BooleanType, Args: []types.Type{pText.want(args[0].Type), pText.want(args[1].Type)}}
	if len(args) > 2 {
		call.Args = append(call.Args, args[2].Type)
	}
	call.Eval = strictOnJSON(types.BooleanType, func(s vec.Text, paths *jsonPaths, _ []vec.Vec, m validity, fail *failure) arrow.Array {
		return boolRows(m, func(i int) (bool, bool) {
			f := paths.find(s.String(i), i)
			if f.err == nil {
				return f.value != nil, true
			}
			switch {
			case errors.Is(f.err, errJSONNull):
				return false, true
			case onError == "ERROR":
				fail.at(i, f.err)
			}
			return onError == "TRUE", onError != "UNKNOWN"
		})
	})
	return call, nil
}

// bindIsJSON takes IS_JSON(text, kind).
func bindIsJSON(args []Arg) (*Call, error) {
	if !args[0].Type.IsString() && args[0].Type.Kind != types.Null {
		return nil, fmt.Errorf("wants a string, got %s", args[0].Type)
	}
	kind := symbol(args, 1)
	call := &Call{Args: argTypes(args), Type: types.BooleanType.WithNull(false)}
	call.Args[0] = pText.want(args[0].Type)
	call.Eval = evalAll(func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		s := vec.TextOf(a[0])
		return boolRows(m, func(i int) (bool, bool) {
			if s.Null(i) {
				return false, true
			}
			v, err := parseJSON(s.String(i))
			return err == nil && isJSONKind(v, kind), true
		})
	})
	return call, nil
}

func isJSONKind(v *jsonValue, kind string) bool {
	switch kind {
	case "SCALAR":
		return v.scalar()
	case "ARRAY":
		return v.kind == jsonArray
	case "OBJECT":
		return v.kind == jsonObject
	}
	return true
}
