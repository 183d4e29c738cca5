package expr

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// div is a / b, failing at the first zero divisor.
func div(_ *fn.Ctx, args []vec.Vec, n int) (vec.Vec, error) {
	out := make([]int64, n)
	for i := range n {
		a, b := vec.I64(args[0])[args[0].At(i)], vec.I64(args[1])[args[1].At(i)]
		if b == 0 {
			return vec.Vec{}, &fn.RowError{Row: i, Err: errors.New("division by zero")}
		}
		out[i] = a / b
	}
	return vec.ColVec(vec.Int64s(out, nil)), nil
}

// greater is a > b.
func greater(_ *fn.Ctx, args []vec.Vec, n int) (vec.Vec, error) {
	t := make([]uint8, n)
	for i := range n {
		if vec.I64(args[0])[args[0].At(i)] > vec.I64(args[1])[args[1].At(i)] {
			t[i] = isTrue
		}
	}
	return booleans(t), nil
}

func number(n int64) Eval { return literal{vec.ConstFixed(types.BigIntType, n)} }

func ints(t *testing.T, cols ...[]int64) *vec.Batch {
	t.Helper()
	var schema types.Schema
	var arrs []arrow.Array
	for i, c := range cols {
		schema = append(schema, types.Column{Name: fmt.Sprint("c", i), Type: types.BigIntType})
		arrs = append(arrs, vec.Int64s(c, nil))
	}
	return vec.New(schema.Arrow(), arrs, len(cols[0]), nil)
}

func text(v vec.Vec, n int) string {
	col := v.Column(n)
	out := make([]string, n)
	for i := range out {
		out[i] = col.ValueStr(i)
	}
	return strings.Join(out, " ")
}

func eval(t *testing.T, e Eval, b *vec.Batch, sel []int32) string {
	t.Helper()
	v, err := e.Eval(&fn.Ctx{}, b, sel)
	if err != nil {
		return "error: " + err.Error()
	}
	return text(v, count(b, sel))
}

func TestLazyArms(t *testing.T) {
	b := ints(t, []int64{10, 20, 30, 40}, []int64{2, 0, 30, 0})
	quotient := &call{div, []Eval{column(0), column(1)}}
	nonzero := &call{greater, []Eval{column(1), number(0)}}
	zero := &not{nonzero}
	big := &call{greater, []Eval{quotient, number(1)}}
	for _, c := range []struct {
		name string
		e    Eval
		sel  []int32
		want string
	}{
		{"and", &logic{args: []Eval{nonzero, big}}, nil, "true false false false"},
		{"and under a selection", &logic{args: []Eval{nonzero, big}}, []int32{3, 0}, "false true"},
		{"or", &logic{args: []Eval{zero, big}, decides: true}, nil, "true true false true"},
		{"the other order fails", &logic{args: []Eval{big, nonzero}}, nil, "error: division by zero"},
		{"case", &caseExpr{[]Eval{nonzero}, []Eval{quotient, number(-1)}}, nil, "5 -1 1 -1"},
		{"case under a selection", &caseExpr{[]Eval{nonzero}, []Eval{quotient, number(-1)}}, []int32{2, 1}, "1 -1"},
		{"case with the guard turned round", &caseExpr{[]Eval{zero}, []Eval{number(-1), quotient}}, nil, "5 -1 1 -1"},
		{"second when", &caseExpr{[]Eval{zero, big}, []Eval{number(0), number(1), column(0)}}, nil, "1 0 30 0"},
		{"all rows in one arm", &caseExpr{[]Eval{literal{vec.ConstBool(true)}}, []Eval{column(0), quotient}}, nil, "10 20 30 40"},
		{"no row in the arm", &caseExpr{[]Eval{literal{vec.ConstBool(false)}}, []Eval{quotient, column(1)}}, nil, "2 0 30 0"},
	} {
		if got := eval(t, c.e, b, c.sel); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestErrorNamesBatchRow(t *testing.T) {
	b := ints(t, []int64{1, 1, 1, 1}, []int64{1, 1, 1, 0})
	quotient := &call{div, []Eval{column(0), column(1)}}
	outer := &call{div, []Eval{quotient, number(1)}}
	_, err := outer.Eval(&fn.Ctx{}, b, []int32{1, 3})
	var re *fn.RowError
	if !errors.As(err, &re) || re.Row != 3 {
		t.Fatalf("got %#v, want an error of row 3", err)
	}
}

func TestThreeValuedLogic(t *testing.T) {
	names := map[uint8]string{isFalse: "false", isTrue: "true", isNull: "(null)"}
	var left, right []uint8
	var and, or, neg []string
	for _, a := range []uint8{isFalse, isTrue, isNull} {
		for _, b := range []uint8{isFalse, isTrue, isNull} {
			left, right = append(left, a), append(right, b)
			x, y := isNull, isNull
			switch {
			case a == isFalse || b == isFalse:
				x = isFalse
			case a == isTrue && b == isTrue:
				x = isTrue
			}
			switch {
			case a == isTrue || b == isTrue:
				y = isTrue
			case a == isFalse && b == isFalse:
				y = isFalse
			}
			n := isNull
			if a != isNull {
				n = 1 - a
			}
			and, or, neg = append(and, names[x]), append(or, names[y]), append(neg, names[n])
		}
	}
	schema := types.Schema{{Name: "a", Type: types.BooleanType}, {Name: "b", Type: types.BooleanType}}
	b := vec.New(schema.Arrow(), []arrow.Array{booleans(left).Arr, booleans(right).Arr}, len(left), nil)
	args := []Eval{column(0), column(1)}
	for _, c := range []struct {
		e    Eval
		want []string
	}{{&logic{args: args}, and}, {&logic{args: args, decides: true}, or}, {&not{column(0)}, neg}} {
		if got, want := eval(t, c.e, b, nil), strings.Join(c.want, " "); got != want {
			t.Errorf("%T: got %s, want %s", c.e, got, want)
		}
	}
}

func TestIn(t *testing.T) {
	col := vec.Int64s([]int64{1, 2, 3, 0}, vec.Bitmap{0b0111})
	b := vec.New(types.Schema{{Name: "a", Type: types.BigIntType}}.Arrow(), []arrow.Array{col}, 4, nil)
	lit := func(v vec.Vec) planner.Expr { return &planner.Literal{T: types.BigIntType, Val: v.Arr} }
	one, three := lit(vec.ConstFixed(types.BigIntType, int64(1))), lit(vec.ConstFixed(types.BigIntType, int64(3)))
	null := lit(vec.ConstNull(types.BigIntType))
	for _, c := range []struct {
		list []planner.Expr
		neg  bool
		want string
	}{
		{[]planner.Expr{one, three}, false, "true false true (null)"},
		{[]planner.Expr{one, three}, true, "false true false (null)"},
		{[]planner.Expr{one, null}, false, "true (null) (null) (null)"},
		{[]planner.Expr{one, null}, true, "false (null) (null) (null)"},
	} {
		e, err := Compile(&planner.In{X: &planner.ColRef{T: types.BigIntType}, List: c.list, Neg: c.neg})
		if err != nil {
			t.Fatal(err)
		}
		if got := eval(t, e, b, nil); got != c.want {
			t.Errorf("list of %d, neg %v: got %s, want %s", len(c.list), c.neg, got, c.want)
		}
	}
}

func TestFilterSlices(t *testing.T) {
	const n = 40
	var truth []uint8
	for i := range n {
		truth = append(truth, [...]uint8{isTrue, isFalse, isNull, isTrue, isTrue}[i%5])
	}
	schema := types.Schema{{Name: "a", Type: types.BooleanType}}
	whole := vec.New(schema.Arrow(), []arrow.Array{booleans(truth).Arr}, n, nil)
	for lo := range n {
		for hi := lo; hi <= n; hi++ {
			want := []int32{}
			for i := lo; i < hi; i++ {
				if truth[i] == isTrue {
					want = append(want, int32(i-lo))
				}
			}
			got, all, err := EvalFilter(column(0), &fn.Ctx{}, whole.Slice(lo, hi), nil)
			if err != nil || all != (len(want) == hi-lo) || !all && !reflect.DeepEqual(got, want) {
				t.Fatalf("[%d, %d): got %v %v %v, want %v", lo, hi, got, all, err, want)
			}
		}
	}
}

func TestFilterNarrows(t *testing.T) {
	b := ints(t, []int64{10, 20, 30, 40}, []int64{2, 0, 30, 0})
	quotient := &call{div, []Eval{column(0), column(1)}}
	nonzero := &call{greater, []Eval{column(1), number(0)}}
	cond := &logic{args: []Eval{nonzero, &call{greater, []Eval{quotient, number(0)}}}}
	got, all, err := EvalFilter(cond, &fn.Ctx{}, b, nil)
	if want := []int32{0, 2}; err != nil || all || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v %v %v, want %v", got, all, err, want)
	}
}

func TestFieldOfNullRow(t *testing.T) {
	row := types.RowType(types.Field{Name: "x", Type: types.BigIntType})
	col := vec.Structs(row.Arrow().(*arrow.StructType), 3, []arrow.Array{vec.Int64s([]int64{7, 8, 9}, nil)}, vec.Bitmap{0b101})
	b := vec.New(types.Schema{{Name: "r", Type: row}}.Arrow(), []arrow.Array{col}, 3, nil)
	e := &field{column(0), 0}
	if got := eval(t, e, b, nil); got != "7 (null) 9" {
		t.Errorf("got %s", got)
	}
	sliced := vec.New(b.Rows.Schema(), []arrow.Array{array.NewSlice(col, 1, 3)}, 2, nil)
	if got := eval(t, e, sliced, nil); got != "(null) 9" {
		t.Errorf("sliced: got %s", got)
	}
}
