package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// The rules by which rows are compared with those that Flink printed: DOUBLE to 1e-9 and FLOAT to 1e-6,
// other numbers by value, times without trailing zeros of their fraction, maps in any order.

// value is a value made comparable. Floating point numbers are compared by num within tol.
type value struct {
	kind byte
	text string
	num  float64
	tol  float64 // 0: by text
}

// object is a JSON object whose members keep their order.
type object struct {
	names  []string
	values []any
}

// decode reads one JSON value: numbers as json.Number, objects as *object.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeNext(d)
	if err == nil && d.More() {
		err = fmt.Errorf("text behind a JSON value: %s", text)
	}
	return v, err
}

func decodeNext(d *json.Decoder) (any, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := &object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			o.names, o.values = append(o.names, name.(string)), append(o.values, v)
		}
		_, err = d.Token()
		return o, err
	}
	return tok, nil
}

func (o *object) get(name string) (any, bool) {
	for i, n := range o.names {
		if n == name {
			return o.values[i], true
		}
	}
	return nil, false
}

var fraction = regexp.MustCompile(`(\d\d:\d\d:\d\d)(\.\d+)`)

// plainTime drops trailing zeros of fractions of seconds.
func plainTime(s string) string {
	return fraction.ReplaceAllStringFunc(s, func(m string) string {
		head, frac, _ := strings.Cut(m, ".")
		if frac = strings.TrimRight(frac, "0"); frac == "" {
			return head
		}
		return head + "." + frac
	})
}

// spell gives JSON values in the text that Flink prints for them.
func spell(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, spell(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *object:
		var parts []string
		for i, n := range v.names {
			parts = append(parts, n+"="+spell(v.values[i]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// unorder sorts the entries of each {...}.
func unorder(s string) string {
	open := strings.IndexByte(s, '{')
	if open < 0 {
		return s
	}
	end := closing(s, open)
	if end < 0 {
		return s
	}
	parts := splitTop(s[open+1 : end])
	for i := range parts {
		parts[i] = unorder(parts[i])
	}
	sort.Strings(parts)
	return s[:open] + "{" + strings.Join(parts, ", ") + "}" + unorder(s[end+1:])
}

func closing(s string, open int) int {
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitTop splits at the commas outside of brackets.
func splitTop(s string) (out []string) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[from:]); rest != "" || len(out) > 0 {
		out = append(out, rest)
	}
	return out
}

var typeRoot = regexp.MustCompile(`^[A-Z_]*`)

// comparable makes a value of a type comparable; how is "json" for texts that hold JSON.
func comparable(v any, typ, how string) value {
	if v == nil {
		return value{kind: '~'}
	}
	if how == "json" {
		return jsonValue(v)
	}
	text, isText := v.(string)
	if !isText {
		text = spell(v)
	}
	root := typeRoot.FindString(strings.Split(typ, " NOT NULL")[0])
	switch root {
	case "DOUBLE", "FLOAT", "REAL":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return value{kind: 's', text: strings.ReplaceAll(text, "+", "")}
		}
		if root == "DOUBLE" {
			return value{kind: 'f', num: f, tol: 1e-9}
		}
		return value{kind: 'f', num: f, tol: 1e-6}
	case "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "DECIMAL":
		if n, ok := new(big.Rat).SetString(text); ok {
			return value{kind: 'n', text: n.RatString()}
		}
	case "BOOLEAN":
		return value{kind: 'b', text: strings.ToLower(text)}
	case "TIMESTAMP", "TIMESTAMP_LTZ", "TIME":
		return value{kind: 's', text: plainTime(text)}
	case "ARRAY", "MAP", "ROW", "MULTISET", "STRUCTURED":
		text = plainTime(text)
		if strings.Contains(typ, "MAP") || strings.Contains(typ, "MULTISET") {
			text = unorder(text)
		}
	}
	return value{kind: 's', text: text}
}

func jsonValue(v any) value {
	text, ok := v.(string)
	if !ok {
		text = spell(v)
	}
	var x any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&x); err != nil {
		return value{kind: 's', text: text}
	}
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(x) // what was decoded encodes; members are sorted
	return value{kind: 'j', text: b.String()}
}

func (v value) near(w value) bool {
	if v.kind != w.kind || v.tol == 0 || w.tol == 0 {
		return v == w
	}
	d := math.Abs(v.num - w.num)
	return d <= v.tol*max(math.Abs(v.num), math.Abs(w.num)) || d < 1e-300
}

func (v value) String() string {
	switch {
	case v.kind == '~':
		return "NULL"
	case v.tol != 0:
		return strconv.FormatFloat(v.num, 'g', -1, 64)
	}
	return v.text
}

// tuple is a row of comparable values.
type tuple []value

func (a tuple) near(b tuple) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].near(b[i]) {
			return false
		}
	}
	return true
}

func (a tuple) show(names []string) string {
	var parts []string
	for i, v := range a {
		parts = append(parts, names[i]+"="+v.String())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// subtract gives the tuples of a that have no partner in b, and those of b that have none in a.
func subtract(a, b []tuple) (missing, extra []tuple) {
	byText := map[string][]int{}
	text := func(t tuple) string { return fmt.Sprint([]value(t)) }
	used := make([]bool, len(b))
	for i, t := range b {
		byText[text(t)] = append(byText[text(t)], i)
	}
	for _, t := range a {
		if list := byText[text(t)]; len(list) > 0 {
			used[list[0]] = true
			byText[text(t)] = list[1:]
		} else {
			missing = append(missing, t)
		}
	}
	for i, t := range b {
		if !used[i] {
			extra = append(extra, t)
		}
	}
	left := missing[:0:0]
next:
	for _, t := range missing {
		for i, x := range extra {
			if t.near(x) {
				extra = append(extra[:i:i], extra[i+1:]...)
				continue next
			}
		}
		left = append(left, t)
	}
	return left, extra
}

// column is a result column as schema.json has it.
type column struct{ Name, Type string }

// materialise applies changelog lines {"op","row"} as a multiset. A row may be taken away before it
// comes, since two inputs race, as long as it comes.
func materialise(text string, cols []column, how map[string]string) ([]tuple, error) {
	var rows, owed []tuple
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		op, t, err := change(line, cols, how)
		if err != nil {
			return nil, err
		}
		switch op {
		case "+I", "+U":
			rows, owed = cancel(rows, owed, t)
		case "-U", "-D":
			owed, rows = cancel(owed, rows, t)
		default:
			return nil, fmt.Errorf("unknown op %q", op)
		}
	}
	if len(owed) > 0 {
		return nil, fmt.Errorf("a row is taken away that never was there: %v", owed[0])
	}
	return rows, nil
}

// cancel takes t out of against, or else adds it to list.
func cancel(list, against []tuple, t tuple) (newList, newAgainst []tuple) {
	for i, r := range against {
		if r.near(t) {
			return list, append(against[:i], against[i+1:]...)
		}
	}
	return append(list, t), against
}

func change(line string, cols []column, how map[string]string) (op string, t tuple, err error) {
	v, err := decode(line)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %s", err, line)
	}
	o := v.(*object)
	kind, _ := o.get("op")
	r, _ := o.get("row")
	t, err = tupleOf(r.(*object), cols, how)
	return kind.(string), t, err
}

func tupleOf(o *object, cols []column, how map[string]string) (tuple, error) {
	if len(o.names) != len(cols) {
		return nil, fmt.Errorf("columns are %v, expected %v", o.names, cols)
	}
	var t tuple
	for _, c := range cols {
		x, ok := o.get(c.Name)
		if !ok {
			return nil, fmt.Errorf("columns are %v, expected %v", o.names, cols)
		}
		t = append(t, comparable(x, c.Type, how[c.Name]))
	}
	return t, nil
}

// sinkKey makes a line of a sink's file comparable.
func sinkKey(dir, line string) string {
	v, err := decode(line)
	if err == nil {
		switch v.(type) {
		case []any, *object:
			return dir + "\x00" + sinkValue(v)
		}
	}
	return dir + "\x00s" + line
}

func sinkValue(v any) string {
	switch v := v.(type) {
	case *object:
		var parts []string
		for i, n := range v.names {
			parts = append(parts, n+"="+sinkValue(v.values[i]))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, sinkValue(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			f, _ := v.Float64()
			return fmt.Sprintf("%.9g", f)
		}
		return v.String()
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}
