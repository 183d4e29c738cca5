package op

import (
	"errors"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// overBatch is OVER in batch mode: all rows are there before the first result, so frames may look ahead.
// Partitions come out in order of their first row, each in the window's order.
type overBatch struct {
	Base
	node   *planner.Over
	in     types.Schema
	parts  []*vec.Batch
	set    *aggSet // of the calls that are aggregates
	which  []int   // by call: its place in set, or -1
	groups *vec.Groups
	order  *vec.KeyEncoder
	schema *arrow.Schema
}

func newOverBatch(n *planner.Over) (Operator, error) {
	in := n.Input.Info().Out
	o := &overBatch{
		node: n, in: in, order: orderEncoder(in, n.Order), schema: n.Out.Arrow(),
		groups: vec.NewGroups(columnTypes(in, n.Partition)...),
	}
	var aggs []planner.AggCall
	for _, a := range n.Aggs {
		switch a.Func {
		case "ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "PERCENT_RANK", "CUME_DIST", "LAG", "LEAD":
			o.which = append(o.which, -1)
			continue
		}
		o.which = append(o.which, len(aggs))
		aggs = append(aggs, a)
	}
	var err error
	o.set, err = newAggSet(aggs)
	return o, err
}

func (o *overBatch) Process(_ int, b *vec.Batch, _ Emitter) error {
	o.parts = append(o.parts, b)
	return nil
}

func (o *overBatch) End(out Emitter) error {
	if len(o.parts) == 0 {
		return nil
	}
	all := vec.Concat(o.parts...)
	o.parts = nil
	n := all.Len()
	gids := make([]int32, n)
	o.groups.Lookup(columnVecs(all, o.node.Partition), n, gids, nil)
	var keys vec.Keys
	o.order.Encode(&keys, sortColumns(all, o.node.Order), n)
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(i)
	}
	slices.SortStableFunc(idx, func(a, b int32) int {
		if gids[a] != gids[b] {
			return cmpInt(int64(gids[a]), int64(gids[b]))
		}
		return slices.Compare(keys.At(int(a)), keys.At(int(b)))
	})
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && gids[idx[hi]] == gids[idx[lo]] {
			hi++
		}
		if err := o.partition(vec.TakeBatch(all, idx[lo:hi]), out); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// partition emits the rows of a partition, which are in order.
func (o *overBatch) partition(b *vec.Batch, out Emitter) error {
	n := b.Len()
	var keys vec.Keys
	o.order.Encode(&keys, sortColumns(b, o.node.Order), n)
	p := &orderedPart{b: b, first: make([]int, n), last: make([]int, n), dense: make([]int, n)}
	for i := range n {
		same := i > 0 && slices.Equal(keys.At(i), keys.At(i-1))
		switch {
		case same:
			p.first[i], p.dense[i] = p.first[i-1], p.dense[i-1]
		case i > 0:
			p.first[i], p.dense[i] = i, p.dense[i-1]+1
		}
	}
	for i := n - 1; i >= 0; i-- {
		if p.last[i] = i; i+1 < n && p.first[i+1] == p.first[i] {
			p.last[i] = p.last[i+1]
		}
	}
	frames, err := o.frames(p)
	if err != nil {
		return err
	}
	cols := append([]arrow.Array(nil), b.Rows.Columns()...)
	for i := range o.node.Aggs {
		var c arrow.Array
		if o.which[i] >= 0 {
			c, err = o.aggregate(&o.set.runs[o.which[i]], p, frames)
		} else {
			c, err = o.rank(&o.node.Aggs[i], p, o.schema.Field(len(cols)).Type)
		}
		if err != nil {
			return err
		}
		cols = append(cols, c)
	}
	return out.Emit(vec.New(o.schema, cols, n, nil))
}

// orderedPart is a partition's rows: of each, the first and last of its peers, and the number of
// different keys before it.
type orderedPart struct {
	b                  *vec.Batch
	first, last, dense []int
}

// frames gives the rows [lo, hi) of each row's frame.
func (o *overBatch) frames(p *orderedPart) ([][2]int, error) {
	n := p.b.Len()
	out := make([][2]int, n)
	f := o.node.Frame
	var at []int64
	if !f.Rows && (f.Lo != planner.MinFrame && f.Lo != 0 || f.Hi != planner.MaxFrame && f.Hi != 0) {
		var err error
		if at, err = o.positions(p.b); err != nil {
			return nil, err
		}
	}
	for i := range out {
		lo, hi := 0, n
		switch {
		case f.Rows:
			if f.Lo != planner.MinFrame {
				lo = i + int(f.Lo)
			}
			if f.Hi != planner.MaxFrame {
				hi = i + int(f.Hi) + 1
			}
		default:
			lo, hi = o.rangeOf(p, at, i)
		}
		lo, hi = max(lo, 0), min(hi, n)
		out[i] = [2]int{lo, max(lo, hi)}
	}
	return out, nil
}

// rangeOf gives the frame of a RANGE.
func (o *overBatch) rangeOf(p *orderedPart, at []int64, i int) (lo, hi int) {
	f, n := o.node.Frame, p.b.Len()
	lo, hi = 0, n
	null := at != nil && at[i] == math.MinInt64
	switch {
	case f.Lo == 0 || null && f.Lo != planner.MinFrame:
		lo = p.first[i]
	case f.Lo != planner.MinFrame:
		lo, _ = slices.BinarySearch(at, at[i]+f.Lo)
	}
	switch {
	case f.Hi == 0 || null && f.Hi != planner.MaxFrame:
		hi = p.last[i] + 1
	case f.Hi != planner.MaxFrame:
		hi, _ = slices.BinarySearch(at, at[i]+f.Hi+1)
	}
	return lo, hi
}

// positions gives the order column as integers, ascending: milliseconds of a timestamp; NULL is least.
func (o *overBatch) positions(b *vec.Batch) ([]int64, error) {
	key := o.node.Order[0]
	col, t := b.Col(key.Col), o.in[key.Col].Type
	out := make([]int64, b.Len())
	switch {
	case t.IsTimestamp():
		millisOf(col, out)
	case t.Kind == types.Int || t.Kind == types.Date:
		for i, v := range vec.Values[int32](col) {
			out[i] = int64(v)
		}
	case t.Kind == types.BigInt:
		copy(out, vec.Values[int64](col))
	default:
		return nil, errors.New("a RANGE frame with bounds wants an order by one timestamp, DATE, INT or BIGINT, got " + t.String())
	}
	if t.Kind == types.Date {
		for i := range out {
			out[i] *= 86400_000
		}
	}
	nulls := vec.NullsOf(col)
	for i := range out {
		if key.Desc {
			out[i] = -out[i]
		}
		if nulls.Is(i) {
			out[i] = math.MinInt64
		}
	}
	return out, nil
}

// aggregate computes an aggregate over each row's frame. Equal frames, and frames that grow at their
// end, are not computed anew.
func (o *overBatch) aggregate(r *aggRun, p *orderedPart, frames [][2]int) (arrow.Array, error) {
	o.set.resize(1)
	r.acc.Reset(0)
	inputs := r.inputs(p.b)
	groups := r.mask(p.b, make([]int32, p.b.Len()))
	var parts []arrow.Array
	have := [2]int{0, 0}
	for i, f := range frames {
		if i > 0 && f == frames[i-1] {
			parts = append(parts, parts[i-1])
			continue
		}
		if f[0] != have[0] || f[1] < have[1] {
			r.acc.Reset(0)
			have = [2]int{f[0], f[0]}
		}
		if err := r.acc.Update(groups, inputs, nil, have[1], f[1]); err != nil {
			return nil, err
		}
		have = f
		v, err := r.acc.Values([]int32{0})
		if err != nil {
			return nil, err
		}
		parts = append(parts, v.Column(1))
	}
	return vec.ConcatArrays(parts...), nil
}

// rank computes a function of a row's place in its partition.
func (o *overBatch) rank(a *planner.AggCall, p *orderedPart, dt arrow.DataType) (arrow.Array, error) {
	n := p.b.Len()
	ints, floats := make([]int64, n), make([]float64, n)
	switch a.Func {
	case "LAG", "LEAD":
		return o.shifted(a, p)
	case "PERCENT_RANK", "CUME_DIST":
		for i := range floats {
			switch {
			case a.Func == "CUME_DIST":
				floats[i] = float64(p.last[i]+1) / float64(n)
			case n > 1:
				floats[i] = float64(p.first[i]) / float64(n-1)
			}
		}
		return vec.Float64s(floats, nil), nil
	case "NTILE":
		tiles, err := constInt(a, 0)
		if err != nil || tiles < 1 {
			return nil, errors.New("NTILE wants a constant number of buckets, at least 1")
		}
		for i := range ints {
			ints[i] = ntile(int64(i), int64(n), tiles)
		}
	default:
		for i := range ints {
			switch a.Func {
			case "ROW_NUMBER":
				ints[i] = int64(i + 1)
			case "RANK":
				ints[i] = int64(p.first[i] + 1)
			case "DENSE_RANK":
				ints[i] = int64(p.dense[i] + 1)
			}
		}
	}
	if dt.ID() == arrow.INT32 {
		narrow := make([]int32, n)
		for i, v := range ints {
			narrow[i] = int32(v)
		}
		return vec.Int32s(narrow, nil), nil
	}
	return vec.Int64s(ints, nil), nil
}

// ntile is the bucket of row i of n; the first buckets are one larger where rows do not divide.
func ntile(i, n, tiles int64) int64 {
	size, extra := n/tiles, n%tiles
	if i < extra*(size+1) {
		return i/(size+1) + 1
	}
	return extra + (i-extra*(size+1))/max(size, 1) + 1
}

func constInt(a *planner.AggCall, i int) (int64, error) {
	if i >= len(a.Consts) || a.Consts[i] == nil || a.Consts[i].Val.IsNull(0) {
		return 0, errors.New("a constant integer is wanted")
	}
	return integerAt(a.Consts[i].Val, 0), nil
}

// shifted is LAG and LEAD; the default stands for a row that is not there, not for a NULL.
func (o *overBatch) shifted(a *planner.AggCall, p *orderedPart) (arrow.Array, error) {
	n, by := p.b.Len(), int64(1)
	if len(a.Args) > 1 {
		var err error
		if by, err = constInt(a, 1); err != nil {
			return nil, errors.New(a.Func + " wants its offset as a constant integer")
		}
	}
	if a.Func == "LAG" {
		by = -by
	}
	x := p.b.Col(a.Args[0])
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = -1
		if at := int64(i) + by; at >= 0 && at < int64(n) {
			idx[i] = int32(at)
		} else if len(a.Args) > 2 {
			idx[i] = int32(n + i)
		}
	}
	if len(a.Args) > 2 {
		def := p.b.Col(a.Args[2])
		if len(a.Consts) > 2 && a.Consts[2] != nil {
			def = vec.ConstVec(a.Consts[2].Val).Column(n)
		}
		x = vec.ConcatArrays(x, def)
	}
	return vec.Take(x, idx), nil
}
