package fn

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// TestExtremes calls each function with odd values in place of its examples' constants: no kernel may
// panic, give a column of the wrong shape or make a text of absurd size.
func TestExtremes(t *testing.T) {
	ran := 0
	for _, f := range All() {
		for _, e := range f.Examples {
			n, err := readSQL(e.SQL)
			if err != nil {
				t.Fatal(err)
			}
			for round := range 12 {
				fine, err := evalExtreme(n, round)
				if fine {
					ran++
				}
				if err != nil {
					t.Errorf("%s, round %d: %v", e.SQL, round, err)
					break
				}
			}
		}
	}
	if ran < 2000 {
		t.Errorf("only %d calls gave a value", ran)
	}
}

var errPanic = errors.New("panic")

// evalExtreme tells whether there is a value, and gives an error for a panic or a wrong column only.
func evalExtreme(n *sqlNode, round int) (fine bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	const rows = 5
	env := &sqlEnv{ctx: newTestCtx(), n: rows, consts: func(c *sqlNode) (vec.Vec, bool) {
		if round%3 == 2 && c.num%2 == 0 {
			return vec.Vec{}, false
		}
		return extremes(c, round, rows)
	}}
	_, err = env.eval(n)
	if err != nil && !errors.Is(err, errWrongColumn) {
		return false, nil
	}
	return err == nil, err
}

// extremes makes a column of odd values of the constant's type.
func extremes(c *sqlNode, round, rows int) (vec.Vec, bool) {
	b := vec.NewBuilder(c.typ)
	for i := range rows {
		k := i + round + c.num
		switch b := b.(type) {
		case *vec.TextBuilder:
			odd := []string{"", " ", "日本語😀", "a\x00b", "-1", "%_\\", "[", "$.a[0]", "9999-12-31 23:59:59", "(.*)+x", "\xff\xfe", strings.Repeat("ab", 300)}
			b.AppendString(odd[k%len(odd)])
		case *vec.FixedBuilder[int32]:
			odd := []int32{0, 1, -1, math.MaxInt32, math.MinInt32, 1000, -1000}
			b.Append(odd[k%len(odd)])
		case *vec.FixedBuilder[int64]:
			odd := []int64{0, 1, -1, math.MaxInt64 / 4, math.MinInt64 / 4, 253402300799999999}
			b.Append(odd[k%len(odd)])
		case *vec.FixedBuilder[float64]:
			odd := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e308, 5e-324, -1.5}
			b.Append(odd[k%len(odd)])
		default:
			if c.typ.Kind == types.Decimal || c.lit.Arr.DataType().ID() == arrow.BOOL {
				b.AppendFrom(c.lit.Arr, 0)
			} else {
				return vec.Vec{}, false
			}
		}
	}
	return vec.ColVec(b.Array()), true
}
