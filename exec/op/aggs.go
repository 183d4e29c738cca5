package op

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// aggSet is the aggregates of one operator: their calls and their accumulators, all indexed by the
// same group numbers.
type aggSet struct {
	runs  []aggRun
	state []types.Type // state columns of all aggregates, in order
	size  int
}

// aggRun is one aggregate.
type aggRun struct {
	call   *fn.AggCall
	acc    fn.Accumulator
	args   []int
	consts []vec.Vec // beside args; Arr nil where the argument is a column
	filter int
	masked []int32 // groups, -1 where FILTER does not hold
	// always: the result is another after each row (COUNT(*) without FILTER).
	always bool
}

// newAggSet binds the aggregates of a node.
func newAggSet(aggs []planner.AggCall) (*aggSet, error) {
	s := &aggSet{}
	for i := range aggs {
		r, err := newAggRun(&aggs[i])
		if err != nil {
			return nil, fmt.Errorf("aggregate %q: %w", aggs[i].Func, err)
		}
		s.runs = append(s.runs, r)
		s.state = append(s.state, r.call.State...)
	}
	return s, nil
}

func newAggRun(a *planner.AggCall) (aggRun, error) {
	args := make([]fn.Arg, len(a.ArgTypes))
	consts := make([]vec.Vec, len(a.ArgTypes))
	for i, t := range a.ArgTypes {
		args[i].Type = t
		if i < len(a.Consts) && a.Consts[i] != nil {
			consts[i] = vec.ConstVec(a.Consts[i].Val)
			args[i].Lit = &consts[i]
		}
	}
	var call *fn.AggCall
	var err error
	if a.Func == "LAG" {
		call, err = fn.BindLag(args)
	} else {
		call, err = fn.BindAgg(a.Func, args, a.Distinct, a.Retract)
	}
	if err != nil {
		return aggRun{}, err
	}
	return aggRun{call: call, acc: call.New(), args: a.Args, consts: consts, filter: a.Filter,
		always: a.Func == "COUNT" && len(a.ArgTypes) == 0 && a.Filter < 0}, nil
}

// reading gives the same accumulators behind the columns of other calls of the same aggregates.
func (s *aggSet) reading(aggs []planner.AggCall) *aggSet {
	out := &aggSet{}
	for i, r := range s.runs {
		r.args, r.filter, r.masked = aggs[i].Args, aggs[i].Filter, nil
		out.runs = append(out.runs, r)
	}
	return out
}

// filtered tells whether any aggregate has a FILTER.
func (s *aggSet) filtered() bool {
	for i := range s.runs {
		if s.runs[i].filter >= 0 {
			return true
		}
	}
	return false
}

// mergeable tells whether all aggregates can be merged from parts.
func (s *aggSet) mergeable() bool {
	for i := range s.runs {
		if !s.runs[i].call.Mergeable {
			return false
		}
	}
	return true
}

func (s *aggSet) resize(n int) {
	if n <= s.size {
		return
	}
	s.size = n
	for i := range s.runs {
		s.runs[i].acc.Resize(n)
	}
}

func (s *aggSet) reset(g int32) {
	for i := range s.runs {
		s.runs[i].acc.Reset(g)
	}
}

// resetAll is reset of each group.
func (s *aggSet) resetAll(groups []int32) {
	for i := range s.runs {
		acc := s.runs[i].acc
		for _, g := range groups {
			acc.Reset(g)
		}
	}
}

func (s *aggSet) bytes() int64 {
	total := int64(0)
	for i := range s.runs {
		total += s.runs[i].acc.Bytes()
	}
	return total
}

// inputs gives the argument columns of a batch.
func (r *aggRun) inputs(b *vec.Batch) []vec.Vec {
	out := make([]vec.Vec, len(r.args))
	for i, c := range r.args {
		if i < len(r.consts) && r.consts[i].Arr != nil {
			out[i] = vec.ColVec(r.consts[i].Column(b.Len()))
			continue
		}
		out[i] = vec.ColVec(b.Col(c))
	}
	return out
}

// mask gives groups with -1 where the aggregate's FILTER is not TRUE.
func (r *aggRun) mask(b *vec.Batch, groups []int32) []int32 {
	if r.filter < 0 {
		return groups
	}
	col := b.Col(r.filter)
	nulls := vec.NullsOf(col)
	if cap(r.masked) < len(groups) {
		r.masked = make([]int32, len(groups))
	}
	out := r.masked[:len(groups)]
	if nulls.Any() && col.NullN() == col.Len() {
		for i := range out {
			out[i] = -1
		}
		return out
	}
	bits := vec.BitsOf(col)
	for i, g := range groups {
		if out[i] = g; !bits.At(i) || nulls.Is(i) {
			out[i] = -1
		}
	}
	return out
}

// update folds all rows of a batch in; row i belongs to groups[i], to none where that is negative.
func (s *aggSet) update(groups []int32, b *vec.Batch) error {
	for i := range s.runs {
		r := &s.runs[i]
		if err := r.acc.Update(r.mask(b, groups), r.inputs(b), b.Kinds, 0, b.Len()); err != nil {
			return err
		}
	}
	return nil
}

// values gives each aggregate's result of the listed groups.
func (s *aggSet) values(groups []int32) ([]arrow.Array, error) {
	out := make([]arrow.Array, len(s.runs))
	for i := range s.runs {
		v, err := s.runs[i].acc.Values(groups)
		if err != nil {
			return nil, err
		}
		out[i] = v.Column(len(groups))
	}
	return out, nil
}

// save gives the state columns of the listed groups.
func (s *aggSet) save(groups []int32) ([]vec.Vec, error) {
	var out []vec.Vec
	for i := range s.runs {
		cols, err := s.runs[i].acc.Save(groups)
		if err != nil {
			return nil, err
		}
		out = append(out, cols...)
	}
	return out, nil
}

// load sets the state of the listed groups.
func (s *aggSet) load(groups []int32, state []vec.Vec) error {
	for i := range s.runs {
		r := &s.runs[i]
		n := len(r.call.State)
		if err := r.acc.Load(groups, state[:n]); err != nil {
			return err
		}
		state = state[n:]
	}
	return nil
}

// merge adds state to the listed groups.
func (s *aggSet) merge(groups []int32, state []vec.Vec) error {
	for i := range s.runs {
		r := &s.runs[i]
		n := len(r.call.State)
		if err := r.acc.Merge(groups, state[:n]); err != nil {
			return err
		}
		state = state[n:]
	}
	return nil
}

// mergeBatch is merge of rows of state columns, which begin at column from; a negative group skips its row.
func (s *aggSet) mergeBatch(groups []int32, b *vec.Batch, from int) error {
	var pick []int32
	for i, gid := range groups {
		if gid >= 0 {
			pick = append(pick, int32(i))
		}
	}
	state := make([]vec.Vec, len(s.state))
	for i := range state {
		if state[i] = vec.ColVec(b.Col(from + i)); len(pick) < len(groups) {
			state[i] = vec.TakeVec(state[i], pick)
		}
	}
	if len(pick) < len(groups) {
		some := make([]int32, len(pick))
		for i, row := range pick {
			some[i] = groups[row]
		}
		groups = some
	}
	return s.merge(groups, state)
}

// typeNames spells types for a state table's declaration.
func typeNames(ts []types.Type) []string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = t.String()
	}
	return out
}

// columnVecs gives columns of a batch.
func columnVecs(b *vec.Batch, cols []int) []vec.Vec {
	out := make([]vec.Vec, len(cols))
	for i, c := range cols {
		out[i] = vec.ColVec(b.Col(c))
	}
	return out
}

// columnTypes gives the types of columns.
func columnTypes(s types.Schema, cols []int) []types.Type {
	out := make([]types.Type, len(cols))
	for i, c := range cols {
		out[i] = s[c].Type
	}
	return out
}

// keyColumn gives a key column as state keeps it: TIMESTAMP(0-3) floored to milliseconds.
func keyColumn(t types.Type, a arrow.Array) arrow.Array {
	if !t.IsTimestamp() || t.Prec > 3 {
		return a
	}
	in := vec.Values[int64](a)
	for i, v := range in {
		if v%1000 != 0 {
			out := append([]int64(nil), in...)
			for j := i; j < len(out); j++ {
				out[j] = types.FromMicros(out[j]).Micros()
			}
			valid := vec.FullBitmap(len(out))
			nulls := vec.NullsOf(a)
			for j := range out {
				if nulls.Is(j) {
					valid.Clear(j)
				}
			}
			return vec.Fixed(a.DataType(), out, valid)
		}
	}
	return a
}
