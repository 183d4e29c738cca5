package expr

import (
	"weir/sql/fn"
	"weir/sql/vec"
)

// logic is AND (a FALSE arm decides a row) or OR (a TRUE arm does). Rows that an arm decides do not
// reach the arms behind it.
type logic struct {
	args    []Eval
	decides bool
}

func (e *logic) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	decided, neutral := isFalse, isTrue
	if e.decides {
		decided, neutral = isTrue, isFalse
	}
	result := make([]uint8, count(b, sel))
	for i := range result {
		result[i] = neutral
	}
	active := sel     // batch rows not decided yet
	var place []int32 // their positions in result; nil while all are active
	for _, arg := range e.args {
		v, err := arg.Eval(c, b, active)
		if err != nil {
			return vec.Vec{}, err
		}
		n := len(result)
		if place != nil {
			n = len(place)
		}
		if v.Const && truth(v.Arr, 0) == neutral {
			continue
		}
		t := truths(v, n)
		left := 0
		for j, x := range t {
			p := rowOf(place, j)
			if x != neutral && result[p] != decided {
				result[p] = x
			}
			if x != decided {
				left++
			}
		}
		if left == 0 {
			break
		}
		if left < n {
			active, place = undecided(t, decided, active, place, left)
		}
	}
	return booleans(result), nil
}

// undecided keeps the rows whose truth is not the deciding one.
func undecided(t []uint8, decided uint8, active, place []int32, left int) (rows, places []int32) {
	rows, places = make([]int32, 0, left), make([]int32, 0, left)
	for j, x := range t {
		if x != decided {
			rows = append(rows, rowOf(active, j))
			places = append(places, rowOf(place, j))
		}
	}
	return rows, places
}

type not struct{ x Eval }

func (e *not) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	v, err := e.x.Eval(c, b, sel)
	if err != nil {
		return vec.Vec{}, err
	}
	n := count(b, sel)
	if v.Const {
		n = 1
	}
	t := truths(v, n)
	for i, x := range t {
		if x != isNull {
			t[i] = 1 - x
		}
	}
	out := booleans(t)
	out.Const = v.Const
	return out, nil
}

// EvalFilter gives the rows of sel (nil: all rows) for which the condition is TRUE. all says that
// every row is, and then out is sel.
func EvalFilter(cond Eval, c *fn.Ctx, b *vec.Batch, sel []int32) (out []int32, all bool, err error) {
	if and, ok := cond.(*logic); ok && !and.decides {
		return filterAll(and.args, c, b, sel)
	}
	v, err := cond.Eval(c, b, sel)
	if err != nil {
		return nil, false, err
	}
	if v.Const {
		if truth(v.Arr, 0) == isTrue {
			return sel, true, nil
		}
		return []int32{}, count(b, sel) == 0, nil
	}
	out, all = trueRows(v.Arr, count(b, sel), sel)
	return out, all, nil
}

// filterAll narrows the selection condition by condition: a row that one refuses does not reach the next.
func filterAll(conds []Eval, c *fn.Ctx, b *vec.Batch, sel []int32) ([]int32, bool, error) {
	every := true
	for _, cond := range conds {
		out, all, err := EvalFilter(cond, c, b, sel)
		if err != nil {
			return nil, false, err
		}
		if !all {
			every, sel = false, out
			if len(sel) == 0 {
				break
			}
		}
	}
	return sel, every, nil
}
