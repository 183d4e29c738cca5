package fn

import (
	"strconv"
	"strings"

	"weir/sql/types"
	"weir/sql/vec"
)

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
		return p.constant(vec.ConstFixed(types.IntervalMonth, int32(sign*months)), types.Type{Kind: types.IntervalYM, Interval: "MONTH"})
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
	return p.constant(vec.ConstFixed(types.IntervalMsDS, sign*us/1000), types.Type{Kind: types.IntervalDS, Interval: "SECOND(3)"})
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
