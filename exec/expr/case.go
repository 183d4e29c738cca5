package expr

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// caseExpr is CASE: thens[i] where conds[i] is the first TRUE condition, else the last then.
type caseExpr struct {
	conds []Eval
	thens []Eval // one more than conds: the ELSE
}

func compileCase(e *planner.Case) (Eval, error) {
	out := &caseExpr{}
	for _, w := range e.Whens {
		cond, err := Compile(w.Cond)
		if err != nil {
			return nil, err
		}
		then, err := compileArm(w.Then, e.T)
		if err != nil {
			return nil, err
		}
		out.conds, out.thens = append(out.conds, cond), append(out.thens, then)
	}
	last, err := compileArm(e.Else, e.T)
	out.thens = append(out.thens, last)
	return out, err
}

// compileArm compiles a result; a missing one, or an untyped NULL, is a NULL of the CASE's type.
func compileArm(e planner.Expr, t types.Type) (Eval, error) {
	if e == nil || e.Type().Kind == types.Null {
		return literal{vec.ConstNull(t)}, nil
	}
	return Compile(e)
}

// piece is the value of one arm for the rows that reached it.
type piece struct {
	v    vec.Vec
	rows []int32 // positions in the result
}

func (e *caseExpr) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	n := count(b, sel)
	active, place := sel, []int32(nil)
	var pieces []piece
	for i, then := range e.thens {
		rows, places := active, place
		rest, restPlace := []int32{}, []int32{}
		if i < len(e.conds) {
			v, err := e.conds[i].Eval(c, b, active)
			if err != nil {
				return vec.Vec{}, err
			}
			var all bool
			rows, places, rest, restPlace, all = split(v, n, active, place)
			if !all && len(rows) == 0 {
				continue
			}
		}
		v, err := then.Eval(c, b, rows)
		if err != nil {
			return vec.Vec{}, err
		}
		if places == nil { // no row went elsewhere
			return v, nil
		}
		pieces = append(pieces, piece{v, places})
		if len(rest) == 0 {
			break
		}
		active, place = rest, restPlace
	}
	return merge(pieces, n), nil
}

// split parts the active rows by a condition. all says that it is TRUE for every one of them; then
// rows and places are the active ones as they were.
func split(v vec.Vec, n int, active, place []int32) (rows, places, rest, restPlace []int32, all bool) {
	if place != nil {
		n = len(place)
	}
	t := truths(v, n)
	hits := 0
	for _, x := range t {
		if x == isTrue {
			hits++
		}
	}
	if hits == n {
		return active, place, nil, nil, true
	}
	rows, places = make([]int32, 0, hits), make([]int32, 0, hits)
	if hits == 0 {
		return rows, places, active, place, false
	}
	rest, restPlace = make([]int32, 0, n-hits), make([]int32, 0, n-hits)
	for j, x := range t {
		if x == isTrue {
			rows, places = append(rows, rowOf(active, j)), append(places, rowOf(place, j))
			continue
		}
		rest, restPlace = append(rest, rowOf(active, j)), append(restPlace, rowOf(place, j))
	}
	return rows, places, rest, restPlace, false
}

// merge puts the pieces' values at their places. The pieces cover all n places.
func merge(pieces []piece, n int) vec.Vec {
	parts := make([]arrow.Array, len(pieces))
	idx := make([]int32, n)
	base := int32(0)
	for i, p := range pieces {
		parts[i] = p.v.Arr
		for j, at := range p.rows {
			idx[at] = base + int32(p.v.At(j))
		}
		base += int32(p.v.Arr.Len())
	}
	return vec.ColVec(vec.Take(vec.ConcatArrays(parts...), idx))
}
