package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// LookupTable is a table whose rows are all in memory: the full cache of a lookup join.
type LookupTable interface {
	// Rows gives the rows, loaded no longer ago than the table's reload interval at the time now
	// (microseconds of the clock). While nothing was loaded anew the same batch comes back.
	Rows(now int64) (*vec.Batch, error)
}

// lookupJoin joins each row with the rows that its table has at the moment the row is processed. It
// keeps no state: a restart looks up anew. NULL keys match nothing.
type lookupJoin struct {
	Base
	ctx    *Context
	node   *planner.LookupJoin
	table  LookupTable
	keys   []expr.Eval
	cond   expr.Eval
	schema *arrow.Schema
	both   *arrow.Schema

	rows  *vec.Batch // what the index is of
	index *vec.Groups
	first []int32 // a group's rows are order[first[g]:first[g+1]]
	order []int32
	found []int32 // scratch
}

// NewLookupJoin makes the operator of a LookupJoin over the table.
func NewLookupJoin(n *planner.LookupJoin, table LookupTable) (Operator, error) {
	l := &lookupJoin{node: n, table: table, schema: n.Out.Arrow()}
	l.both = append(append(types.Schema{}, n.Input.Info().Out...), n.Scan.Out...).Arrow()
	var err error
	if l.keys, err = expr.CompileAll(n.Exprs); err != nil {
		return nil, err
	}
	if n.Cond != nil {
		l.cond, err = expr.Compile(n.Cond)
	}
	return l, err
}

// Open keeps the surroundings.
func (l *lookupJoin) Open(ctx *Context) error {
	l.ctx = ctx
	return nil
}

// Process joins a batch.
func (l *lookupJoin) Process(_ int, b *vec.Batch, out Emitter) error {
	if err := l.refresh(); err != nil {
		return err
	}
	groups, err := l.lookup(b)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if g < 0 {
			l.ctx.Metrics.Missed++
		} else {
			l.ctx.Metrics.Found++
		}
	}
	left, right := l.pairs(groups)
	if l.cond != nil {
		if left, right, err = l.filter(b, left, right); err != nil {
			return err
		}
	}
	if l.node.Kind == planner.LeftJoin {
		left, right = padUnmatched(b.Len(), left, right)
	}
	if len(left) == 0 {
		return nil
	}
	return out.Emit(l.batch(b, l.schema, left, right))
}

// refresh builds the index when the table was loaded anew.
func (l *lookupJoin) refresh() error {
	rows, err := l.table.Rows(l.ctx.Fn.NowMicros)
	if err != nil || rows == l.rows {
		return err
	}
	cols := make([]vec.Vec, len(l.node.Columns))
	for i, c := range l.node.Columns {
		cols[i] = vec.ColVec(rows.Col(c))
	}
	l.index = vec.NewGroups(columnTypes(l.node.Scan.Out, l.node.Columns)...)
	groups := make([]int32, rows.Len())
	l.index.Lookup(cols, rows.Len(), groups, nil)
	l.first = make([]int32, l.index.Cap()+1)
	for _, g := range groups {
		l.first[g+1]++
	}
	for g := 1; g < len(l.first); g++ {
		l.first[g] += l.first[g-1]
	}
	l.order = make([]int32, len(groups))
	next := append([]int32(nil), l.first...)
	for i, g := range groups {
		l.order[next[g]] = int32(i)
		next[g]++
	}
	l.rows = rows
	return nil
}

// lookup gives the group of the table that each row's key has; negative: none.
func (l *lookupJoin) lookup(b *vec.Batch) ([]int32, error) {
	cols := make([]vec.Vec, len(l.keys))
	for i, k := range l.keys {
		v, err := k.Eval(l.ctx.Fn, b, nil)
		if err != nil {
			return nil, err
		}
		cols[i] = vec.ColVec(v.Column(b.Len()))
	}
	if cap(l.found) < b.Len() {
		l.found = make([]int32, b.Len())
	}
	l.found = l.found[:b.Len()]
	l.index.Find(cols, b.Len(), l.found)
	for _, c := range cols {
		if nulls := vec.NullsOf(c.Arr); nulls.Any() {
			for i := range l.found {
				if nulls.Is(i) {
					l.found[i] = -1
				}
			}
		}
	}
	return l.found, nil
}

// pairs lists the joined rows: left[i] of the batch with right[i] of the table, in order of the batch.
func (l *lookupJoin) pairs(groups []int32) (left, right []int32) {
	left, right = make([]int32, 0, len(groups)), make([]int32, 0, len(groups))
	for i, g := range groups {
		if g < 0 {
			continue
		}
		for _, r := range l.order[l.first[g]:l.first[g+1]] {
			left, right = append(left, int32(i)), append(right, r)
		}
	}
	return left, right
}

// filter keeps the pairs for which the rest of the condition is TRUE.
func (l *lookupJoin) filter(b *vec.Batch, left, right []int32) (l2, r2 []int32, err error) {
	if len(left) == 0 {
		return left, right, nil
	}
	sel, all, err := expr.EvalFilter(l.cond, l.ctx.Fn, l.batch(b, l.both, left, right), nil)
	if err != nil || all {
		return left, right, err
	}
	for i, at := range sel {
		left[i], right[i] = left[at], right[at]
	}
	return left[:len(sel)], right[:len(sel)], nil
}

// padUnmatched adds the rows without a match, with -1 for the table's row, at their place.
func padUnmatched(n int, left, right []int32) (l2, r2 []int32) {
	l2, r2 = make([]int32, 0, n+len(left)), make([]int32, 0, n+len(left))
	at := 0
	for i := range int32(n) {
		begin := at
		for at < len(left) && left[at] == i {
			l2, r2 = append(l2, i), append(r2, right[at])
			at++
		}
		if at == begin {
			l2, r2 = append(l2, i), append(r2, -1)
		}
	}
	return l2, r2
}

func (l *lookupJoin) batch(b *vec.Batch, schema *arrow.Schema, left, right []int32) *vec.Batch {
	cols := make([]arrow.Array, 0, schema.NumFields())
	for _, c := range b.Rows.Columns() {
		cols = append(cols, vec.Take(c, left))
	}
	for _, c := range l.rows.Rows.Columns() {
		cols = append(cols, vec.Take(c, right))
	}
	return vec.New(schema, cols, len(left), vec.TakeKinds(b.Kinds, left))
}
