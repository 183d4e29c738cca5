package op

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// matchSlot is a value that expressions take from rows; rows keep it encoded.
type matchSlot struct {
	col  int // of the input, or -1
	eval expr.Eval
	enc  *vec.KeyEncoder
	null []byte
}

// matchNav is a value that an expression takes from a match.
type matchNav struct {
	planner.MatchNav
	slot int // -1: it takes none
	run  int // which running aggregate, in DEFINE
	agg  aggRun
	typ  types.Type
}

// matchExpr is an expression of DEFINE or MEASURES, over the values of its navs.
type matchExpr struct {
	name   string
	eval   expr.Eval // nil: always TRUE
	navs   []matchNav
	schema *arrow.Schema
}

// runAgg is an aggregate of DEFINE: partial matches keep it as far as their rows go.
type runAgg struct {
	v     int // -1: all rows
	slot  int
	run   aggRun
	state *vec.KeyEncoder
	keys  vec.Keys
}

// matchEval is the expressions of a Match.
type matchEval struct {
	slots   []matchSlot
	define  []matchExpr
	pure    uint64 // variables whose condition takes values of the current row alone
	always  uint64 // variables without a condition
	measure []matchExpr
	runs    []runAgg
}

func newMatchEval(n *planner.Match) (*matchEval, error) {
	m := &matchEval{}
	for v, d := range n.Define {
		x, err := m.compile(&d, "DEFINE of "+n.Vars[v], n, true)
		if err != nil {
			return nil, err
		}
		switch {
		case x.eval == nil:
			m.always |= 1 << v
		case !slicesAny(x.navs, func(nav *matchNav) bool { return !nav.current(v) }):
			m.pure |= 1 << v
		}
		m.define = append(m.define, x)
	}
	for i := range n.Measures {
		x, err := m.compile(&n.Measures[i], "measure "+n.Out[len(n.Partition)+i].Name, n, false)
		if err != nil {
			return nil, err
		}
		m.measure = append(m.measure, x)
	}
	return m, nil
}

func slicesAny(navs []matchNav, is func(*matchNav) bool) bool {
	for i := range navs {
		if is(&navs[i]) {
			return true
		}
	}
	return false
}

// current tells whether, in DEFINE of v, the value is always one of the row that is tried.
func (n *matchNav) current(v int) bool {
	return n.Func == planner.NavLast && n.Back == 0 && (n.Var == v || n.Var < 0)
}

func (m *matchEval) compile(x *planner.MatchExpr, name string, n *planner.Match, define bool) (matchExpr, error) {
	out := matchExpr{name: name}
	if x.Expr == nil {
		return out, nil
	}
	var s types.Schema
	for _, nav := range x.Navs {
		y := matchNav{MatchNav: nav, slot: -1, typ: types.BigIntType}
		var err error
		switch nav.Func {
		case planner.NavRowTime:
			y.typ = nav.Arg.Type()
		case planner.NavAgg:
			y.typ = nav.Agg.T
			if y.agg, err = newAggRun(nav.Agg); err != nil {
				return out, err
			}
		default:
			y.typ = nav.Arg.Type()
		}
		if nav.Arg != nil && nav.Func != planner.NavRowTime {
			if y.slot, err = m.slot(nav.Arg); err != nil {
				return out, err
			}
		}
		if define && nav.Func == planner.NavAgg {
			y.run = len(m.runs)
			m.runs = append(m.runs, runAgg{v: nav.Var, slot: y.slot, run: y.agg, state: vec.KeyOf(y.agg.call.State...)})
		}
		out.navs = append(out.navs, y)
		s = append(s, types.Column{Name: fmt.Sprint(len(s)), Type: y.typ})
	}
	out.schema = s.Arrow()
	var err error
	out.eval, err = expr.Compile(x.Expr)
	return out, err
}

// slot gives the place of a value of rows.
func (m *matchEval) slot(arg planner.Expr) (int, error) {
	s := matchSlot{col: -1, enc: vec.KeyOf(arg.Type())}
	if c, ok := arg.(*planner.ColRef); ok {
		s.col = c.Index
		for i := range m.slots {
			if m.slots[i].col == s.col {
				return i, nil
			}
		}
	}
	var err error
	if s.eval, err = expr.Compile(arg); err != nil {
		return 0, err
	}
	var keys vec.Keys
	s.enc.Encode(&keys, []vec.Vec{vec.ColVec(vec.NullColumn(arg.Type(), 1))}, 1)
	s.null = keys.Buf
	m.slots = append(m.slots, s)
	return len(m.slots) - 1, nil
}

// rows takes from a batch what matches need of its rows.
func (m *matchEval) rows(c *fn.Ctx, b *vec.Batch, times []int64, seq int64) ([]matchRow, error) {
	n := b.Len()
	out := make([]matchRow, n)
	evals := make([]expr.Eval, len(m.slots))
	vals := make([][]byte, n*len(m.slots))
	for i := range m.slots {
		evals[i] = m.slots[i].eval
	}
	cols, err := expr.Columns(evals, c, b, nil)
	if err != nil {
		return nil, err
	}
	for i := range m.slots {
		var keys vec.Keys
		m.slots[i].enc.Encode(&keys, []vec.Vec{vec.ColVec(cols[i])}, n)
		for j := range n {
			vals[j*len(m.slots)+i] = keys.At(j)
		}
	}
	for j := range out {
		out[j] = matchRow{seq: seq + int64(j), time: times[j], vals: pack(vals[j*len(m.slots) : (j+1)*len(m.slots)]), fits: m.always}
	}
	return out, m.tryRows(c, cols, out)
}

// pack copies values, so that a row does not hold on to those of its batch.
func pack(vals [][]byte) [][]byte {
	size := 0
	for _, v := range vals {
		size += len(v)
	}
	arena, out := make([]byte, 0, size), make([][]byte, len(vals))
	for i, v := range vals {
		arena = append(arena, v...)
		out[i] = arena[len(arena)-len(v) : len(arena) : len(arena)]
	}
	return out
}

// tryRows tries the conditions that ask for a row alone, for all rows at once.
func (m *matchEval) tryRows(c *fn.Ctx, slots []arrow.Array, rows []matchRow) error {
	for set := m.pure; set != 0; set &= set - 1 {
		v := bits.TrailingZeros64(set)
		x := &m.define[v]
		cols := make([]arrow.Array, len(x.navs))
		for i := range x.navs {
			cols[i] = slots[x.navs[i].slot]
		}
		err := x.holds(c, cols, len(rows), func(i int) { rows[i].fits |= 1 << v })
		if err != nil {
			return err
		}
	}
	return nil
}

// holds calls yes for the rows for which a condition is TRUE.
func (x *matchExpr) holds(c *fn.Ctx, cols []arrow.Array, n int, yes func(int)) error {
	col, err := x.column(c, cols, n)
	if err != nil {
		return err
	}
	is, nulls := vec.BitsOf(col), vec.NullsOf(col)
	for i := range n {
		if is.At(i) && !nulls.Is(i) {
			yes(i)
		}
	}
	return nil
}

// column computes the expression.
func (x *matchExpr) column(c *fn.Ctx, cols []arrow.Array, n int) (arrow.Array, error) {
	v, err := x.eval.Eval(c, vec.New(x.schema, cols, n, nil), nil)
	if err != nil {
		var re *fn.RowError
		if errors.As(err, &re) {
			err = re.Err // its row is none of the input's
		}
		return nil, fmt.Errorf("%s: %w", x.name, err)
	}
	return v.Column(n), nil
}

// attempt is a row tried behind a partial match. fits becomes the variables that it could be.
type attempt struct {
	x    *partial
	row  *matchRow
	fits *uint64
}

// try tries the conditions that ask for more than a row: asks tells which of an attempt's count.
func (m *matchEval) try(c *fn.Ctx, list []attempt, asks func(*partial) uint64) error {
	for v := range m.define {
		if (m.pure|m.always)>>v&1 != 0 {
			continue
		}
		var part []attempt
		for _, a := range list {
			if asks(a.x)>>v&1 != 0 {
				part = append(part, a)
			}
		}
		if len(part) == 0 {
			continue
		}
		x := &m.define[v]
		cols := make([]arrow.Array, len(x.navs))
		for i := range x.navs {
			var err error
			if cols[i], err = m.defineColumn(&x.navs[i], v, part); err != nil {
				return err
			}
		}
		if err := x.holds(c, cols, len(part), func(i int) { *part[i].fits |= 1 << v }); err != nil {
			return err
		}
	}
	return nil
}

// defineColumn takes the value of a nav for each attempt, in DEFINE of v: there the row counts as one of
// v already.
func (m *matchEval) defineColumn(n *matchNav, v int, list []attempt) (arrow.Array, error) {
	own := n.Var == v || n.Var < 0
	if n.Func == planner.NavAgg {
		in := make([]folded, len(list))
		for i, a := range list {
			if in[i].acc = a.x.acc(n.run); own {
				in[i].row = a.row
			}
		}
		return m.runs[n.run].values(m, in)
	}
	vals := make([][]byte, len(list))
	for i, a := range list {
		var at *matchNode
		last := a.x.last
		switch {
		case n.Func == planner.NavFirst:
			at = last.firstOf(n.Var, n.Back)
			if own && last.count(n.Var) == n.Back {
				vals[i] = a.row.vals[n.slot]
				continue
			}
		case own && n.Back == 0:
			vals[i] = a.row.vals[n.slot]
			continue
		case own:
			at = last.lastOf(n.Var, n.Back-1)
		default:
			at = last.lastOf(n.Var, n.Back)
		}
		vals[i] = m.value(at, n.slot)
	}
	return m.decode(n.slot, vals)
}

// value is a value of a node's row, NULL where there is no row.
func (m *matchEval) value(at *matchNode, slot int) []byte {
	if at == nil {
		return m.slots[slot].null
	}
	return at.row.vals[slot]
}

func (m *matchEval) decode(slot int, vals [][]byte) (arrow.Array, error) {
	cols, err := m.slots[slot].enc.Decode(vals)
	if err != nil {
		return nil, err
	}
	return cols[0], nil
}
