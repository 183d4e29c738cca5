package fn

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// A small reader and evaluator of SQL expressions, so that examples and Flink's answers can be
// checked in this package, which may not import the parser.

// sqlNode is an expression: a constant, a column, a cast or a call.
type sqlNode struct {
	call string
	args []*sqlNode
	lit  *vec.Vec
	typ  types.Type // of a constant, or the target of a cast
	col  string
	try  bool
	num  int // numbers the constants of an expression
}

type sqlToken struct {
	kind byte // i name, n number, s string, o sign, e end
	text string
	raw  string
}

func sqlTokens(s string) ([]sqlToken, error) {
	var out []sqlToken
	for i := 0; i < len(s); {
		c := s[i]
		start := i
		switch {
		case c == ' ' || c == '\n' || c == '\t':
			i++
			continue
		case isLetterByte(c) || c == '_' || c == '$':
			for i < len(s) && (isLetterByte(s[i]) || isDigitByte(s[i]) || s[i] == '_' || s[i] == '$') {
				i++
			}
			out = append(out, sqlToken{'i', strings.ToUpper(s[start:i]), s[start:i]})
			continue
		case isDigitByte(c):
			for i < len(s) && (isDigitByte(s[i]) || s[i] == '.' || s[i] == 'e' || s[i] == 'E' || (s[i] == '-' || s[i] == '+') && (s[i-1] == 'e' || s[i-1] == 'E')) {
				i++
			}
			out = append(out, sqlToken{'n', s[start:i], s[start:i]})
			continue
		case c == '\'':
			text, n, err := quotedSQL(s[i:])
			if err != nil {
				return nil, err
			}
			i += n
			out = append(out, sqlToken{'s', text, text})
			continue
		}
		n := 1
		for _, op := range []string{"||", "<>", "<=", ">=", "!="} {
			if strings.HasPrefix(s[i:], op) {
				n = 2
			}
		}
		i += n
		out = append(out, sqlToken{'o', s[start:i], s[start:i]})
	}
	return append(out, sqlToken{kind: 'e'}), nil
}

func quotedSQL(s string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '\'' {
			if i+1 < len(s) && s[i+1] == '\'' {
				i++
			} else {
				return b.String(), i + 1, nil
			}
		}
		b.WriteByte(s[i])
	}
	return "", 0, errors.New("open string")
}

type sqlReader struct {
	toks []sqlToken
	i    int
	nums int
}

func readSQL(s string) (n *sqlNode, err error) {
	toks, err := sqlTokens(s)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok || !errors.Is(e, errSQL) {
				panic(r)
			}
			err = e
		}
	}()
	p := &sqlReader{toks: toks}
	n = p.expr(0)
	if p.peek().kind != 'e' {
		p.fail("unexpected " + p.peek().text)
	}
	return n, nil
}

var errSQL = errors.New("syntax")

func (p *sqlReader) fail(msg string) { panic(fmt.Errorf("%w: %s", errSQL, msg)) }

func (p *sqlReader) peek() sqlToken { return p.toks[p.i] }

func (p *sqlReader) next() sqlToken {
	t := p.toks[p.i]
	p.i++
	return t
}

// accept passes over words or signs, all or none.
func (p *sqlReader) accept(words ...string) bool {
	for k, w := range words {
		t := p.toks[min(p.i+k, len(p.toks)-1)]
		if t.kind == 's' || t.kind == 'e' || t.text != w {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *sqlReader) want(words ...string) {
	if !p.accept(words...) {
		p.fail(fmt.Sprintf("want %v, got %q", words, p.peek().text))
	}
}

func call(name string, args ...*sqlNode) *sqlNode { return &sqlNode{call: name, args: args} }

func sym(text string) *sqlNode {
	v := vec.ConstString(text)
	return &sqlNode{lit: &v, typ: types.SymbolType, num: -1}
}

func (p *sqlReader) constant(v vec.Vec, t types.Type) *sqlNode {
	p.nums++
	return &sqlNode{lit: &v, typ: t.WithNull(false), num: p.nums}
}

func (p *sqlReader) text(s string) *sqlNode {
	return p.constant(vec.ConstString(s), types.CharType(len([]rune(s))))
}

var sqlPower = map[string]int{"OR": 1, "AND": 2, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "IS": 4, "LIKE": 4, "SIMILAR": 4, "BETWEEN": 4, "IN": 4, "NOT": 4, "OVERLAPS": 4, "+": 6, "-": 6, "||": 6, "*": 7, "/": 7, "%": 7, "[": 9, ".": 9, "AT": 8}

func (p *sqlReader) expr(power int) *sqlNode {
	left := p.prefix()
	for {
		t := p.peek()
		pw := sqlPower[t.text]
		if pw == 0 || pw <= power || t.kind == 's' || t.kind == 'e' {
			return left
		}
		p.next()
		left = p.infix(left, t.text, pw)
	}
}

func (p *sqlReader) infix(left *sqlNode, op string, power int) *sqlNode {
	switch op {
	case "[":
		right := p.expr(0)
		p.want("]")
		return call("ITEM", left, right)
	case ".":
		return call("FIELD", left, sym(p.next().raw))
	case "IS":
		return p.is(left)
	case "AT":
		p.want("TIME", "ZONE")
		return call("AT_TIME_ZONE", left, p.expr(power))
	case "NOT":
		op := p.next().text
		return call("NOT", p.infix(left, op, power))
	case "OVERLAPS":
		right := p.expr(power)
		return call("OVERLAPS", append(append([]*sqlNode{}, left.args...), right.args...)...)
	case "LIKE", "SIMILAR":
		p.accept("TO")
		args := []*sqlNode{left, p.expr(power)}
		if p.accept("ESCAPE") {
			args = append(args, p.expr(power))
		}
		return call(op, args...)
	case "BETWEEN":
		p.accept("ASYMMETRIC")
		lo := p.expr(5)
		p.want("AND")
		return call("AND", call(">=", left, lo), call("<=", left, p.expr(5)))
	case "IN":
		p.want("(")
		var out *sqlNode
		for _, a := range p.list(")") {
			if eq := call("=", left, a); out == nil {
				out = eq
			} else {
				out = call("OR", out, eq)
			}
		}
		return out
	}
	return call(op, left, p.expr(power))
}

func (p *sqlReader) is(left *sqlNode) *sqlNode {
	not := p.accept("NOT")
	var out *sqlNode
	switch {
	case p.accept("JSON"):
		kind := "VALUE"
		for _, k := range []string{"VALUE", "SCALAR", "ARRAY", "OBJECT"} {
			if p.accept(k) {
				kind = k
			}
		}
		out = call("IS_JSON", left, sym(kind))
	case p.accept("DISTINCT", "FROM"):
		name := "IS DISTINCT FROM"
		if not {
			name = "IS NOT DISTINCT FROM"
		}
		return call(name, left, p.expr(4))
	default:
		name := "IS "
		if not {
			name = "IS NOT "
		}
		return call(name+p.next().text, left)
	}
	if not {
		return call("NOT", out)
	}
	return out
}

// list reads expressions up to a closing sign.
func (p *sqlReader) list(end string) []*sqlNode {
	var out []*sqlNode
	for !p.accept(end) {
		if len(out) > 0 {
			p.want(",")
		}
		out = append(out, p.expr(0))
	}
	return out
}

func (p *sqlReader) prefix() *sqlNode {
	t := p.next()
	switch {
	case t.kind == 'n':
		return p.number(t.text)
	case t.kind == 's':
		return p.text(t.text)
	case t.text == "-":
		if n := p.peek(); n.kind == 'n' {
			p.next()
			return p.number("-" + n.text)
		}
		return call("-", p.expr(8))
	case t.text == "(":
		args := p.list(")")
		if len(args) == 1 {
			return args[0]
		}
		return call("ROW", args...)
	case t.kind != 'i':
		p.fail("unexpected " + t.text)
	}
	switch t.text {
	case "NOT":
		return call("NOT", p.expr(3))
	case "NULL":
		v := vec.ConstVec(array.NewNull(1))
		return &sqlNode{lit: &v, typ: types.NullType, num: -1}
	case "TRUE", "FALSE":
		return p.constant(vec.ConstBool(t.text == "TRUE"), types.BooleanType)
	case "CAST", "TRY_CAST":
		p.want("(")
		x := p.expr(0)
		p.want("AS")
		to := p.typeName()
		p.want(")")
		return &sqlNode{args: []*sqlNode{x}, typ: to, try: t.text == "TRY_CAST"}
	case "CASE":
		return p.caseOf()
	case "INTERVAL":
		return p.interval()
	case "X":
		if p.peek().kind == 's' {
			b, _ := hex.DecodeString(p.next().text)
			return p.constant(vec.ConstBytes(b), types.Type{Kind: types.Binary, Length: len(b)})
		}
	case "DATE", "TIME", "TIMESTAMP":
		if p.peek().kind == 's' {
			return p.datetime(t.text, p.next().text)
		}
	case "ARRAY", "MAP":
		if p.accept("[") {
			return call(t.text, p.list("]")...)
		}
	}
	return p.name(t)
}

func (p *sqlReader) name(t sqlToken) *sqlNode {
	if !p.accept("(") {
		switch t.text {
		case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "PI":
			return call(t.text)
		}
		return &sqlNode{col: t.raw}
	}
	switch t.text {
	case "EXTRACT":
		unit := p.next().text
		p.want("FROM")
		return call(t.text, append([]*sqlNode{sym(unit)}, p.list(")")...)...)
	case "FLOOR", "CEIL", "CEILING":
		args := []*sqlNode{p.expr(0)}
		if p.accept("TO") {
			args = append(args, sym(p.next().text))
		}
		p.want(")")
		return call(t.text, args...)
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		unit := p.next().text
		p.want(",")
		return call(t.text, append([]*sqlNode{sym(unit)}, p.list(")")...)...)
	case "TRIM":
		return p.trim()
	case "SUBSTRING", "OVERLAY", "POSITION":
		args := []*sqlNode{p.expr(5)}
		for !p.accept(")") {
			if !p.accept("FROM") && !p.accept("FOR") && !p.accept("PLACING") && !p.accept("IN") {
				p.want(",")
			}
			args = append(args, p.expr(5))
		}
		return call(t.text, args...)
	case "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS":
		return p.jsonCall(t.text)
	case "JSON_OBJECT", "JSON_ARRAY":
		return p.jsonMake(t.text)
	}
	return call(t.text, p.list(")")...)
}

func (p *sqlReader) trim() *sqlNode {
	side := "BOTH"
	for _, s := range []string{"BOTH", "LEADING", "TRAILING"} {
		if p.accept(s) {
			side = s
		}
	}
	chars := p.text(" ")
	var s *sqlNode
	if p.accept("FROM") {
		s = p.expr(0)
	} else if s = p.expr(0); p.accept("FROM") {
		chars, s = s, p.expr(0)
	}
	p.want(")")
	return call("TRIM", sym(side), chars, s)
}

func (p *sqlReader) jsonCall(name string) *sqlNode {
	args := []*sqlNode{p.expr(5)}
	p.want(",")
	args = append(args, p.expr(5))
	returning, wrapper := "STRING", "WITHOUT"
	modes := map[string]string{"EMPTY": "NULL", "ERROR": "NULL"}
	null := vec.ConstVec(array.NewNull(1))
	defaults := map[string]*sqlNode{"EMPTY": {lit: &null, num: -1}, "ERROR": {lit: &null, num: -1}}
	if name == "JSON_EXISTS" {
		modes["ERROR"] = "FALSE"
	}
	for !p.accept(")") {
		switch {
		case p.accept("RETURNING"):
			returning = p.typeName().String()
			if returning == "INT" {
				returning = "INTEGER"
			}
		case p.accept("WITHOUT"):
			p.accept("ARRAY")
			p.want("WRAPPER")
		case p.accept("WITH"):
			if wrapper = "UNCONDITIONAL"; p.accept("CONDITIONAL") {
				wrapper = "CONDITIONAL"
			}
			p.accept("UNCONDITIONAL")
			p.accept("ARRAY")
			p.want("WRAPPER")
		default:
			mode := p.next().text
			var def *sqlNode
			if mode == "DEFAULT" {
				def = p.expr(5)
			} else if mode == "EMPTY" {
				mode = "EMPTY " + p.next().text
			}
			p.want("ON")
			on := p.next().text
			if modes[on] = mode; def != nil {
				defaults[on] = def
			}
		}
	}
	switch name {
	case "JSON_VALUE":
		return call(name, append(args, sym(returning), sym(modes["EMPTY"]), defaults["EMPTY"], sym(modes["ERROR"]), defaults["ERROR"])...)
	case "JSON_QUERY":
		return call(name, append(args, sym(returning), sym(wrapper), sym(modes["EMPTY"]), sym(modes["ERROR"]))...)
	}
	return call(name, append(args, sym(modes["ERROR"]))...)
}

func (p *sqlReader) jsonMake(name string) *sqlNode {
	clause := "ABSENT"
	if name == "JSON_OBJECT" {
		clause = "NULL"
	}
	var args []*sqlNode
	for !p.accept(")") {
		switch {
		case p.accept("NULL", "ON", "NULL"):
			clause = "NULL"
		case p.accept("ABSENT", "ON", "NULL"):
			clause = "ABSENT"
		case p.accept(","), p.accept("VALUE"), p.accept(":"), p.accept("KEY"):
		default:
			args = append(args, p.expr(5))
		}
	}
	return call(name, append([]*sqlNode{sym(clause)}, args...)...)
}

func (p *sqlReader) caseOf() *sqlNode {
	var subject *sqlNode
	if !p.accept("WHEN") {
		subject = p.expr(0)
		p.want("WHEN")
	}
	var args []*sqlNode
	for {
		cond := p.expr(0)
		if subject != nil {
			cond = call("=", subject, cond)
		}
		p.want("THEN")
		args = append(args, cond, p.expr(0))
		if !p.accept("WHEN") {
			break
		}
	}
	if p.accept("ELSE") {
		args = append(args, p.expr(0))
	}
	p.want("END")
	return call("CASE", args...)
}

func (p *sqlReader) number(s string) *sqlNode {
	switch {
	case strings.ContainsAny(s, "eE"):
		f, _ := strconv.ParseFloat(s, 64)
		return p.constant(vec.ConstFixed(types.DoubleType, f), types.DoubleType)
	case strings.Contains(s, "."):
		digits, scale := strings.TrimLeft(strings.TrimPrefix(strings.Replace(s, ".", "", 1), "-"), "0"), len(s)-1-strings.Index(s, ".")
		prec := max(len(digits), scale)
		if strings.HasPrefix(strings.TrimPrefix(s, "-"), "0.") && len(digits) <= scale {
			prec = scale + 1
		}
		v, ok := ParseDecimal(s, prec, scale)
		if !ok {
			p.fail("number " + s)
		}
		t := types.DecimalType(prec, scale)
		return p.constant(vec.ConstFixed(t, v), t)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.fail("number " + s)
	}
	if n == int64(int32(n)) {
		return p.constant(vec.ConstFixed(types.IntType, int32(n)), types.IntType)
	}
	return p.constant(vec.ConstFixed(types.BigIntType, n), types.BigIntType)
}

func (p *sqlReader) datetime(kind, text string) *sqlNode {
	prec := 0
	if at := strings.IndexByte(text, '.'); at >= 0 {
		prec = len(text) - at - 1
	}
	switch kind {
	case "DATE":
		us, _, ok := parseDefault(text)
		if !ok {
			p.fail("date " + text)
		}
		return p.constant(vec.ConstFixed(types.DateType, int32(us/usDay)), types.DateType)
	case "TIME":
		us, _, ok := parseDefault("1970-01-01 " + text)
		if !ok {
			p.fail("time " + text)
		}
		t := types.TimeType(prec)
		return p.constant(vec.ConstFixed(t, int32(us/1000)), t)
	}
	us, ns, ok := parseDefault(text)
	if !ok {
		p.fail("timestamp " + text)
	}
	t := types.TimestampType(prec)
	if t.Nanos() {
		return p.constant(vec.ConstNanos(us, int16(ns)), t)
	}
	return p.constant(vec.ConstFixed(t, us), t)
}

func (p *sqlReader) interval() *sqlNode {
	text := p.next().text
	from := p.next().text
	if p.accept("TO") {
		from += " TO " + p.next().text
	}
	if p.accept("(") {
		p.list(")")
	}
	text, neg := strings.CutPrefix(text, "-")
	sign := int64(1)
	if neg {
		sign = -1
	}
	num := func(s string) int64 {
		n, _ := strconv.ParseInt(s, 10, 64)
		return n
	}
	switch from {
	case "YEAR", "MONTH", "QUARTER", "YEAR TO MONTH":
		y, m, both := strings.Cut(text, "-")
		months := num(y) * unitMonths(strings.Fields(from)[0])
		if both {
			months += num(m)
		}
		return p.constant(vec.ConstFixed(types.IntervalMonth, int32(sign*months)), types.IntervalMonth)
	}
	var us int64
	if day, clock, both := strings.Cut(text, " "); both || from == "DAY" || from == "WEEK" {
		us = num(day) * unitSize["DAY"]
		if from == "WEEK" {
			us *= 7
		}
		text = clock
	}
	unit := strings.Fields(from)
	first := unit[0]
	if first == "DAY" {
		first = "HOUR"
	}
	sizes := []int64{usHour, usMinute, usSecond}
	at := map[string]int{"HOUR": 0, "MINUTE": 1, "SECOND": 2}[first]
	for _, part := range strings.Split(text, ":") {
		if part == "" || at > 2 {
			break
		}
		f, _ := strconv.ParseFloat(part, 64)
		us += int64(f * float64(sizes[at]))
		at++
	}
	return p.constant(vec.ConstFixed(types.IntervalMsDS, sign*us/1000), types.IntervalMsDS)
}

func (p *sqlReader) typeName() types.Type {
	name := p.next().text
	var n []int
	if p.peek().text == "(" {
		p.next()
		for !p.accept(")") {
			v, _ := strconv.Atoi(p.next().text)
			n = append(n, v)
			p.accept(",")
		}
	}
	arg := func(i, def int) int {
		if i < len(n) {
			return n[i]
		}
		return def
	}
	switch name {
	case "ARRAY":
		p.want("<")
		t := types.ArrayType(p.typeName())
		p.want(">")
		return t
	case "MAP":
		p.want("<")
		k := p.typeName()
		p.want(",")
		t := types.MapType(k, p.typeName())
		p.want(">")
		return t
	case "STRING":
		return types.StringType
	case "BYTES":
		return types.BytesType
	case "VARCHAR":
		return types.VarCharType(arg(0, 1))
	case "CHAR":
		return types.CharType(arg(0, 1))
	case "DECIMAL":
		return types.DecimalType(arg(0, 10), arg(1, 0))
	case "TIMESTAMP":
		return types.TimestampType(arg(0, 6))
	case "TIMESTAMP_LTZ":
		return types.LTZType(arg(0, 6))
	case "TIME":
		return types.TimeType(arg(0, 0))
	case "BOOLEAN", "TINYINT", "SMALLINT", "BIGINT", "FLOAT", "DOUBLE", "DATE":
		for _, t := range []types.Type{types.BooleanType, types.TinyIntType, types.SmallIntType, types.BigIntType, types.FloatType, types.DoubleType, types.DateType} {
			if t.String() == name {
				return t
			}
		}
	case "INT", "INTEGER":
		return types.IntType
	}
	p.fail("type " + name)
	return types.Type{}
}

// sqlEnv is where an expression is evaluated: columns, and what becomes of its constants.
type sqlEnv struct {
	ctx    *Ctx
	n      int
	cols   map[string]sqlValue
	consts func(n *sqlNode) (vec.Vec, bool) // gives a column for a constant, or false to leave it
}

type sqlValue struct {
	typ types.Type
	vec vec.Vec
}

func newTestCtx() *Ctx {
	now := time.Date(2024, 3, 1, 1, 2, 3, 456_789_000, time.UTC).UnixMicro()
	seed := newJavaRandom(1)
	return &Ctx{Zone: time.UTC, NowMicros: now, QueryMicros: now, Watermark: types.MinTime, Database: "default_database",
		Random: func() uint64 { return uint64(seed.next(32))<<32 | uint64(uint32(seed.next(32))) }}
}

func (e *sqlEnv) eval(n *sqlNode) (out sqlValue, err error) {
	switch {
	case n.lit != nil:
		if n.num > 0 && e.consts != nil {
			if v, ok := e.consts(n); ok {
				return sqlValue{n.typ.WithNull(true), v}, nil
			}
		}
		return sqlValue{n.typ, *n.lit}, nil
	case n.col != "":
		v, ok := e.cols[n.col]
		if !ok {
			return out, fmt.Errorf("no column %q", n.col)
		}
		return v, nil
	case n.call == "":
		v, err := e.eval(n.args[0])
		if err != nil {
			return out, err
		}
		to := n.typ.WithNull(!v.typ.NotNull || n.try)
		return e.cast(v, to, n.try)
	case n.call == "AND" || n.call == "OR" || n.call == "NOT":
		return e.logic(n)
	}
	return e.callFunc(n)
}

func (e *sqlEnv) cast(v sqlValue, to types.Type, try bool) (sqlValue, error) {
	k, err := Cast(v.typ, to, try)
	if err != nil {
		return sqlValue{}, err
	}
	out, err := k(e.ctx, []vec.Vec{v.vec}, e.n)
	return sqlValue{to, out}, err
}

func (e *sqlEnv) callFunc(n *sqlNode) (out sqlValue, err error) {
	f, ok := Lookup(n.call)
	if !ok {
		return out, fmt.Errorf("no function %s", n.call)
	}
	args, vecs := make([]Arg, len(n.args)), make([]vec.Vec, len(n.args))
	for i, a := range n.args {
		v, err := e.eval(a)
		if err != nil {
			return out, err
		}
		args[i], vecs[i] = Arg{Type: v.typ, Call: a.call}, v.vec
		if v.vec.Const {
			lit := v.vec
			args[i].Lit = &lit
		}
	}
	if err := checkCount(f, len(args)); err != nil {
		return out, err
	}
	c, err := f.Bind(args)
	if err != nil {
		return out, err
	}
	if len(c.Args) != len(args) {
		return out, fmt.Errorf("%s: Bind gave %d argument types for %d arguments", n.call, len(c.Args), len(args))
	}
	for i := range vecs {
		if args[i].Type.Kind == types.Symbol || c.Args[i].Kind == types.Null {
			continue
		}
		v, err := e.cast(sqlValue{args[i].Type, vecs[i]}, c.Args[i], false)
		if err != nil {
			return out, err
		}
		vecs[i] = v.vec
	}
	v, err := c.Eval(e.ctx, vecs, e.n)
	if err == nil {
		err = checkResult(n.call, c.Type, v, e.n)
	}
	return sqlValue{c.Type, v}, err
}

// checkResult holds a kernel to its contract: the layout and the number of rows.
func checkResult(name string, t types.Type, v vec.Vec, n int) error {
	want := n
	if v.Const {
		want = 1
	}
	if v.Arr.Len() != want {
		return fmt.Errorf("%s gave %d rows for %d", name, v.Arr.Len(), want)
	}
	if id := v.Arr.DataType().ID(); id != t.Arrow().ID() && id != arrow.NULL {
		return fmt.Errorf("%s gave %s for %s", name, v.Arr.DataType(), t)
	}
	return nil
}

func (e *sqlEnv) logic(n *sqlNode) (out sqlValue, err error) {
	vals := make([]vec.Vec, len(n.args))
	notNull := true
	for k, a := range n.args {
		v, err := e.eval(a)
		if err != nil {
			return out, err
		}
		vals[k] = v.vec
		notNull = notNull && v.typ.NotNull
	}
	arr := boolRows(validity{n: e.n}, func(i int) (bool, bool) {
		if n.call == "NOT" {
			return !rowTrue(vals[0], i), !vals[0].IsNull(i)
		}
		decides := n.call == "OR"
		null := false
		for _, v := range vals {
			if v.IsNull(i) {
				null = true
			} else if rowTrue(v, i) == decides {
				return decides, true
			}
		}
		return !decides, !null
	})
	return sqlValue{types.BooleanType.WithNull(!notNull), vec.ColVec(arr)}, nil
}

// show spells row i.
func (v sqlValue) show(i int) string {
	if v.vec.IsNull(i) {
		return "NULL"
	}
	return string(AppendText(nil, v.typ, v.vec.Arr, v.vec.At(i), time.UTC))
}
