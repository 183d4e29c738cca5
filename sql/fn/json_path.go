package fn

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// jsonPath is a compiled path. Without a mode it is strict. A path with a wildcard, a slice, a
// filter, a descent or several indexes gives the array of what it finds; others give one value.
type jsonPath struct {
	lax   bool
	many  bool
	steps []pathStep
	call  string // the function at the end: length, min, ...; "" for none
}

// stepKind is the kind of one step of a path.
type stepKind uint8

const (
	stepField  stepKind = iota // .name, ['name'], ['a','b']
	stepIndex                  // [1], [-1], [0,2]
	stepSlice                  // [1:3]
	stepAll                    // .*, [*]
	stepDeep                   // ..
	stepFilter                 // [?(...)]
)

type pathStep struct {
	kind     stepKind
	names    []string
	indexes  []int
	from, to int // of a slice
	hasFrom  bool
	hasTo    bool
	filter   pathFilter
}

var errNoPath = errors.New("no results for path")

// parsePath reads a path: [lax | strict] $..., or without the $.
func parsePath(text string) (*jsonPath, error) {
	p := &jsonPath{}
	spec := text
	if mode, rest, ok := strings.Cut(strings.TrimLeft(text, " "), " "); ok {
		switch strings.ToLower(mode) {
		case "lax":
			p.lax, spec = true, strings.TrimLeft(rest, " ")
		case "strict":
			spec = strings.TrimLeft(rest, " ")
		}
	}
	bad := func() error { return fmt.Errorf("%q is not a JSON path", text) }
	switch {
	case spec == "" || spec[0] == ' ' || strings.HasSuffix(spec, " "):
		return nil, bad()
	case spec[0] == '$':
		spec = spec[1:]
	case spec[0] != '[' && spec[0] != '.':
		spec = "." + spec
	}
	rest, err := p.parseSteps(spec)
	if err != nil || rest != "" {
		return nil, bad()
	}
	return p, nil
}

// parseSteps reads steps until something else comes.
func (p *jsonPath) parseSteps(s string) (rest string, err error) {
	for s != "" {
		var ok bool
		switch {
		case strings.HasPrefix(s, ".."):
			p.steps, p.many = append(p.steps, pathStep{kind: stepDeep}), true
			if s = s[2:]; s != "" && s[0] != '[' {
				s, ok = p.parseName(s)
			} else {
				ok = s != ""
			}
		case s[0] == '.':
			s, ok = p.parseName(s[1:])
		case s == "[": // as in Flink, an open bracket at the end is passed over
			return "", nil
		case s[0] == '[':
			s, ok = p.parseBracket(s[1:])
		default:
			return s, nil
		}
		if !ok || p.call != "" && s != "" {
			return s, errNoPath
		}
	}
	return "", nil
}

func (p *jsonPath) parseName(s string) (rest string, ok bool) {
	n := strings.IndexAny(s, ".[ ()=!<>&|,]")
	if n < 0 {
		n = len(s)
	}
	name := s[:n]
	switch {
	case name == "":
		return s, false
	case name == "*":
		p.add(pathStep{kind: stepAll})
		return s[n:], true
	case strings.HasPrefix(s[n:], "()"):
		p.call = name
		return s[n+2:], true
	case n < len(s) && s[n] == '(':
		return s, false
	}
	p.add(pathStep{kind: stepField, names: []string{name}})
	return s[n:], true
}

func (p *jsonPath) add(s pathStep) {
	p.steps = append(p.steps, s)
	p.many = p.many || s.kind != stepField && (s.kind != stepIndex || len(s.indexes) > 1)
}

// parseBracket reads what is inside of [ ].
func (p *jsonPath) parseBracket(s string) (rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	switch {
	case s == "":
		return s, false
	case s[0] == '\'' || s[0] == '"':
		return p.parseNames(s)
	case s[0] == '*':
		p.add(pathStep{kind: stepAll})
		return closeBracket(s[1:])
	case s[0] == '?':
		f, rest, err := parseFilter(s[1:])
		if err != nil {
			return s, false
		}
		p.add(pathStep{kind: stepFilter, filter: f})
		return closeBracket(rest)
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return s, false
	}
	body := strings.ReplaceAll(s[:end], " ", "")
	if from, to, slice := strings.Cut(body, ":"); slice {
		st := pathStep{kind: stepSlice, hasFrom: from != "", hasTo: to != ""}
		var err1, err2 error
		if st.hasFrom {
			st.from, err1 = strconv.Atoi(from)
		}
		if st.hasTo {
			st.to, err2 = strconv.Atoi(to)
		}
		p.add(st)
		return s[end+1:], err1 == nil && err2 == nil
	}
	st := pathStep{kind: stepIndex}
	for part := range strings.SplitSeq(body, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return s, false
		}
		st.indexes = append(st.indexes, n)
	}
	p.add(st)
	return s[end+1:], true
}

func closeBracket(s string) (string, bool) {
	s = strings.TrimLeft(s, " ")
	return strings.CutPrefix(s, "]")
}

func (p *jsonPath) parseNames(s string) (rest string, ok bool) {
	st := pathStep{kind: stepField}
	for {
		name, after, ok := quotedName(strings.TrimLeft(s, " "))
		if !ok {
			return s, false
		}
		st.names = append(st.names, name)
		after = strings.TrimLeft(after, " ")
		if s, ok = strings.CutPrefix(after, ","); !ok {
			p.add(st)
			return closeBracket(after)
		}
	}
}

// quotedName reads '...' or "..." with backslash escapes.
func quotedName(s string) (name, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}

// eval gives what the path finds, or errNoPath where it leads nowhere.
func (p *jsonPath) eval(root *jsonValue) (*jsonValue, error) {
	found, err := walk(root, p.steps, root, true, nil)
	if err != nil {
		return nil, err
	}
	var v *jsonValue
	switch {
	case p.many:
		v = &jsonValue{kind: jsonArray, items: found}
	case len(found) == 0:
		return nil, errNoPath
	default:
		v = found[0]
	}
	if p.call != "" {
		return callPath(p.call, v)
	}
	return v, nil
}

// walk follows steps from v. Nowhere to go is an error only while the path is definite.
func walk(v *jsonValue, steps []pathStep, root *jsonValue, definite bool, out []*jsonValue) ([]*jsonValue, error) {
	if len(steps) == 0 {
		return append(out, v), nil
	}
	st, rest := &steps[0], steps[1:]
	var next []*jsonValue
	switch st.kind {
	case stepField:
		if len(st.names) > 1 {
			return walk(pick(v, st.names), rest, root, definite, out)
		}
		if f := v.field(st.names[0]); f != nil {
			return walk(f, rest, root, definite, out)
		}
	case stepIndex:
		for _, n := range st.indexes {
			if n < 0 {
				n += len(v.items)
			}
			if v.kind == jsonArray && n >= 0 && n < len(v.items) {
				next = append(next, v.items[n])
			}
		}
		if len(next) == 0 && len(st.indexes) > 1 {
			definite = definite && v.kind != jsonArray
		}
		definite = definite && (len(next) == 0 || len(st.indexes) == 1)
	case stepSlice:
		if v.kind == jsonArray {
			next, definite = st.slice(v.items), false
		}
	case stepAll:
		next, definite = v.items, false
	case stepFilter:
		next, definite = filtered(v, st.filter, root), false
	case stepDeep:
		return walkDeep(v, rest, root, out)
	}
	if len(next) == 0 && definite {
		return nil, errNoPath
	}
	var err error
	for _, n := range next {
		if out, err = walk(n, rest, root, definite, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pick makes an object of some members of another.
func pick(v *jsonValue, names []string) *jsonValue {
	out := &jsonValue{kind: jsonObject}
	for _, n := range names {
		if f := v.field(n); f != nil {
			out.add(true, n, f)
		}
	}
	return out
}

func (st *pathStep) slice(items []*jsonValue) []*jsonValue {
	n := len(items)
	from, to := 0, n
	if st.hasFrom {
		from = st.from
	}
	if st.hasTo {
		to = st.to
	}
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	from, to = max(0, from), min(n, to)
	if from >= to {
		return nil
	}
	return items[from:to]
}

// walkDeep tries the steps on v and everything below it, parents first.
func walkDeep(v *jsonValue, steps []pathStep, root *jsonValue, out []*jsonValue) ([]*jsonValue, error) {
	var err error
	if len(steps) > 0 || !v.scalar() {
		if out, err = walk(v, steps, root, false, out); err != nil {
			return nil, err
		}
	}
	for _, item := range v.items {
		if out, err = walkDeep(item, steps, root, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func filtered(v *jsonValue, f pathFilter, root *jsonValue) (out []*jsonValue) {
	switch v.kind {
	case jsonObject:
		if f(v, root) {
			out = append(out, v)
		}
	case jsonArray:
		for _, item := range v.items {
			if f(item, root) {
				out = append(out, item)
			}
		}
	}
	return out
}

// callPath applies the function at the end of a path.
func callPath(name string, v *jsonValue) (*jsonValue, error) {
	number := func(f float64) (*jsonValue, error) {
		return &jsonValue{kind: jsonNumber, text: string(appendBigDecimal(nil, string(AppendDouble(nil, f))))}, nil
	}
	switch name {
	case "length", "size":
		if v.scalar() {
			return nil, errNoPath
		}
		return &jsonValue{kind: jsonNumber, text: strconv.Itoa(len(v.items))}, nil
	case "keys":
		if v.kind != jsonObject {
			return nil, errNoPath
		}
		out := &jsonValue{kind: jsonArray}
		keys := append([]string{}, v.keys...)
		sort.Strings(keys)
		for _, k := range keys {
			out.add(false, "", &jsonValue{kind: jsonString, text: k})
		}
		return out, nil
	case "first", "last":
		if v.kind != jsonArray || len(v.items) == 0 {
			return nil, errNoPath
		}
		if name == "first" {
			return v.items[0], nil
		}
		return v.items[len(v.items)-1], nil
	case "min", "max", "sum", "avg":
		return foldNumbers(name, v, number)
	}
	return nil, fmt.Errorf("%s() is no function of JSON paths", name)
}

func foldNumbers(name string, v *jsonValue, number func(float64) (*jsonValue, error)) (*jsonValue, error) {
	var sum, low, high, n float64
	for _, item := range v.items {
		if item.kind != jsonNumber {
			continue
		}
		f, _ := strconv.ParseFloat(item.text, 64)
		if n == 0 {
			low, high = f, f
		}
		sum, low, high = sum+f, min(low, f), max(high, f)
		n++
	}
	switch {
	case n == 0:
		return nil, errNoPath
	case name == "min":
		return number(low)
	case name == "max":
		return number(high)
	case name == "sum":
		return number(sum)
	}
	return number(sum / n)
}

// find applies the path to a JSON text.
func (p *jsonPath) find(json string) (*jsonValue, error) {
	if p.call == "" && p.plain() {
		v, err := seekJSON(json, p.steps)
		if err == nil && v == nil {
			err = errNoPath
		}
		return v, err
	}
	root, err := parseJSON(json)
	if err != nil {
		return nil, err
	}
	return p.eval(root)
}

// plain tells whether the path is made of names and indexes from the start, so that it can be
// followed while the text is read.
func (p *jsonPath) plain() bool {
	for i := range p.steps {
		st := &p.steps[i]
		if !(st.kind == stepField && len(st.names) == 1 || st.kind == stepIndex && len(st.indexes) == 1 && st.indexes[0] >= 0) {
			return false
		}
	}
	return true
}
