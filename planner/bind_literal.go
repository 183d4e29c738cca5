package planner

import (
	"strconv"
	"strings"
	"time"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
	"weir/sql/vec"
)

// literal gives a constant its type, as Flink does: 1 is INT, 1.5 DECIMAL(2, 1), 1e3 DOUBLE, 'x' CHAR(1).
func (b *binder) literal(l *ast.Literal) (Expr, error) {
	switch l.Kind {
	case ast.StringLit:
		return StringLit(l.Value), nil
	case ast.NumberLit:
		return numberLit(l)
	case ast.BinaryLit:
		return bytesLit([]byte(l.Value)), nil
	case ast.BoolLit:
		return BoolLit(l.Value == "TRUE"), nil
	case ast.NullLit:
		return NullLit(types.NullType), nil
	case ast.UnknownLit:
		return NullLit(types.BooleanType), nil
	case ast.DateLit:
		t, err := time.Parse("2006-1-2", strings.TrimSpace(l.Value))
		if err != nil {
			return nil, sql.Errorf(l, "%s is not a date", quoteText(l.Value)).WithHint("write DATE 'yyyy-MM-dd'")
		}
		return fixedLit(types.DateType, int32(t.Unix()/86400)), nil
	case ast.TimeLit:
		return timeLit(l)
	case ast.TimestampLit, ast.TimestampLTZLit:
		return b.timestampLit(l)
	}
	panic("planner: unknown literal")
}

func numberLit(l *ast.Literal) (Expr, error) {
	text := strings.ReplaceAll(l.Value, "_", "")
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, sql.Errorf(l, "number %s is out of the range of DOUBLE", l.Value)
		}
		return fixedLit(types.DoubleType, f), nil
	}
	if !strings.Contains(text, ".") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			if n >= -1<<31 && n < 1<<31 {
				return IntLit(int32(n)), nil
			}
			return BigIntLit(n), nil
		}
	}
	d, ok := decimalLit(text)
	if !ok {
		return nil, sql.Errorf(l, "number %s has more than the 38 digits of DECIMAL", l.Value).WithHint("write it with an exponent to make it a DOUBLE")
	}
	return d, nil
}

func timeLit(l *ast.Literal) (Expr, error) {
	text := strings.TrimSpace(l.Value)
	t, err := time.Parse("15:4:5", text)
	if err != nil {
		return nil, sql.Errorf(l, "%s is not a time", quoteText(l.Value)).WithHint("write TIME 'HH:mm:ss'")
	}
	ms := int32(t.Sub(t.Truncate(24 * time.Hour)).Milliseconds())
	return fixedLit(types.TimeType(min(fractionDigits(text), 3)), ms), nil
}

// fractionDigits counts the digits after the seconds.
func fractionDigits(text string) int {
	_, frac, ok := strings.Cut(text, ".")
	if !ok {
		return 0
	}
	return len(frac)
}

func (b *binder) timestampLit(l *ast.Literal) (Expr, error) {
	text := strings.TrimSpace(l.Value)
	zone := time.UTC
	prec := min(fractionDigits(text), 9)
	typ := types.TimestampType(prec)
	if l.Kind == ast.TimestampLTZLit {
		typ, zone = types.LTZType(prec), b.zone()
	}
	t, err := time.ParseInLocation("2006-1-2 15:4:5", text, zone)
	if err != nil {
		if t, err = time.ParseInLocation("2006-1-2", text, zone); err != nil {
			return nil, sql.Errorf(l, "%s is not a timestamp", quoteText(l.Value)).WithHint("write TIMESTAMP 'yyyy-MM-dd HH:mm:ss', with a space and without a zone")
		}
	}
	if typ.Nanos() {
		us := t.Unix()*1e6 + int64(t.Nanosecond()/1000)
		return &Literal{T: typ.WithNull(false), Val: vec.ConstNanos(us, int16(t.Nanosecond()%1000)).Arr}, nil
	}
	return fixedLit(typ, t.UnixMicro()), nil
}

// interval reads an INTERVAL literal: months, or milliseconds.
func (b *binder) interval(i *ast.Interval) (Expr, error) {
	t := intervalType(i.Unit)
	t.Interval = map[types.Kind]string{types.IntervalYM: "MONTH", types.IntervalDS: "SECOND(3)"}[t.Kind] // as Flink shows any literal
	n, err := intervalValue(i)
	if err != nil {
		return nil, err
	}
	if i.Negative {
		n = -n
	}
	if t.Kind == types.IntervalYM {
		if n != int64(int32(n)) {
			return nil, sql.Errorf(i, "interval is too long")
		}
		return fixedLit(t, int32(n)), nil
	}
	return fixedLit(t, n), nil
}

// timeSpan is (a - b) unit: the interval between two times, of months or of milliseconds.
func (b *binder) timeSpan(s *scope, e *ast.TimeSpan) (Expr, error) {
	d, ok := ast.Unparen(e.X).(*ast.Binary)
	if !ok || d.Op != "-" {
		return nil, sql.Errorf(e, "(...) %s is the interval between two times", unitText(e.Unit, "")).WithHint("write (time1 - time2) %s", unitText(e.Unit, ""))
	}
	args, err := b.exprs(s, d.L, d.R)
	if err != nil {
		return nil, err
	}
	unit := "SECOND"
	if intervalType(e.Unit).Kind == types.IntervalYM {
		unit = "MONTH"
	}
	return b.invoke(e, "TIME_SPAN", append([]Expr{SymbolLit(unit)}, args...))
}

var unitMillis = map[string]int64{"WEEK": 7 * 86_400_000, "DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000, "MILLISECOND": 1}

var unitMonths = map[string]int64{"YEAR": 12, "QUARTER": 3, "MONTH": 1}

// intervalValue reads the text between the quotes, by the parts the unit has.
func intervalValue(i *ast.Interval) (int64, error) {
	text := strings.TrimSpace(i.Value.Value)
	neg := strings.HasPrefix(text, "-")
	parts := strings.FieldsFunc(strings.TrimLeft(text, "+-"), func(r rune) bool { return r == ' ' || r == ':' || r == '-' })
	units := unitRange(i.Unit.From, i.Unit.To)
	bad := sql.Errorf(i, "%s is not an interval of %s", quoteText(i.Value.Value), unitText(i.Unit, ""))
	if len(parts) != len(units) {
		return 0, bad
	}
	var total int64
	for k, u := range units {
		whole, frac, _ := strings.Cut(parts[k], ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil && !(whole == "" && frac != "") || frac != "" && u != "SECOND" {
			return 0, bad
		}
		scale := unitMillis[u]
		if m, ok := unitMonths[u]; ok {
			scale = m
		}
		if n > 1<<62/max(scale, 1) {
			return 0, sql.Errorf(i, "interval is too long")
		}
		total += n * scale
		if frac != "" {
			ms, err := strconv.Atoi((frac + "000")[:3])
			if err != nil {
				return 0, bad
			}
			total += int64(ms)
		}
	}
	if neg {
		total = -total
	}
	return total, nil
}

// unitRange lists the units from one to another.
func unitRange(from, to string) []string {
	if to == "" || to == from {
		return []string{from}
	}
	for _, order := range [][]string{{"YEAR", "MONTH"}, {"DAY", "HOUR", "MINUTE", "SECOND"}} {
		lo, hi := -1, -1
		for i, u := range order {
			if u == from {
				lo = i
			}
			if u == to {
				hi = i
			}
		}
		if lo >= 0 && hi > lo {
			return order[lo : hi+1]
		}
	}
	return []string{from}
}
