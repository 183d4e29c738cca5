package fn

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

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

var errWrongColumn = errors.New("wrong column")

// checkResult holds a kernel to its contract: the layout and the number of rows.
func checkResult(name string, t types.Type, v vec.Vec, n int) error {
	want := n
	if v.Const {
		want = 1
	}
	if v.Arr.Len() != want {
		return fmt.Errorf("%w: %s gave %d rows for %d", errWrongColumn, name, v.Arr.Len(), want)
	}
	if id := v.Arr.DataType().ID(); id != t.Arrow().ID() && id != arrow.NULL {
		return fmt.Errorf("%w: %s gave %s for %s", errWrongColumn, name, v.Arr.DataType(), t)
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
	if v.typ.IsBytes() {
		t := vec.TextOf(v.vec)
		return "x'" + hex.EncodeToString(t.Bytes(i)) + "'"
	}
	return string(AppendText(nil, v.typ, v.vec.Arr, v.vec.At(i), time.UTC))
}
