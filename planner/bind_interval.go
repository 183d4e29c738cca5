package planner

import "weir/sql/types"

// interval is the bounds of left time - right time that a join's conditions set, in milliseconds.
type interval struct {
	left, right  int // time columns of the sides
	lower, upper int64
	hasLower     bool
	hasUpper     bool
	proc         bool
}

func (i interval) ok() bool { return i.hasLower && i.hasUpper && i.lower <= i.upper }

// timeBounds takes the bounds between two time attributes out of the conditions, where they set both. An
// interval join gives the columns of both sides; EXISTS and IN are joins of all rows, as in Flink.
func timeBounds(j *Join, conds []Expr) (interval, []Expr) {
	if j.Kind == SemiJoin || j.Kind == AntiJoin {
		return interval{}, conds
	}
	left, right := j.Left.Info().Out, j.Right.Info().Out
	both := append(append(types.Schema(nil), left...), right...)
	iv := interval{left: -1}
	var rest []Expr
	for _, c := range conds {
		if !iv.take(c, both, len(left)) {
			rest = append(rest, c)
		}
	}
	if !iv.ok() {
		return interval{}, conds
	}
	return iv, rest
}

// take reads one condition as a bound.
func (iv *interval) take(c Expr, cols types.Schema, width int) bool {
	call, ok := c.(*Call)
	if !ok || len(call.Args) != 2 {
		return false
	}
	op := call.Func
	l, a, okL := timeTerm(call.Args[0], cols)
	r, d, okR := timeTerm(call.Args[1], cols)
	if !okL || !okR || cols[l].TimeAttr != cols[r].TimeAttr {
		return false
	}
	if l >= width && r < width { // right first: turn it round
		l, r, a, d = r, l, d, a
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if l >= width || r < width || iv.left >= 0 && (iv.left != l || iv.right != r-width) {
		return false
	}
	diff := d - a // left + a op right + d
	switch op {
	case "<":
		iv.bound(diff-1, false)
	case "<=":
		iv.bound(diff, false)
	case ">":
		iv.bound(diff+1, true)
	case ">=":
		iv.bound(diff, true)
	case "=":
		iv.bound(diff, true)
		iv.bound(diff, false)
	default:
		return false
	}
	iv.left, iv.right, iv.proc = l, r-width, cols[l].TimeAttr == types.ProcTime
	return true
}

// bound narrows the interval.
func (iv *interval) bound(ms int64, lower bool) {
	if lower {
		if !iv.hasLower || ms > iv.lower {
			iv.lower, iv.hasLower = ms, true
		}
		return
	}
	if !iv.hasUpper || ms < iv.upper {
		iv.upper, iv.hasUpper = ms, true
	}
}

// timeTerm reads a time attribute, plus or minus a constant interval in milliseconds.
func timeTerm(e Expr, cols types.Schema) (col int, ms int64, ok bool) {
	switch e := e.(type) {
	case *ColRef:
		return e.Index, 0, cols[e.Index].TimeAttr != types.NotTime
	case *Cast:
		if e.Implicit && e.T.Kind == e.X.Type().Kind {
			return timeTerm(e.X, cols)
		}
	case *Call:
		if len(e.Args) != 2 || e.Func != "+" && e.Func != "-" {
			return 0, 0, false
		}
		l, isLit := e.Args[1].(*Literal)
		if !isLit || l.T.Kind != types.IntervalDS {
			return 0, 0, false
		}
		col, ms, ok = timeTerm(e.Args[0], cols)
		if e.Func == "-" {
			return col, ms - int64Of(l), ok
		}
		return col, ms + int64Of(l), ok
	}
	return 0, 0, false
}

// intervalJoin makes an interval join of a join with bounds; its time columns stay time attributes.
func intervalJoin(j *Join, iv interval, lt, rt []int) Node {
	return &IntervalJoin{
		Base: j.Base, Left: j.Left, Right: j.Right, Kind: j.Kind, Keys: j.Keys, Cond: j.Cond,
		LeftTime: lt[iv.left], RightTime: rt[iv.right], ProcTime: iv.proc, Lower: iv.lower, Upper: iv.upper,
	}
}
