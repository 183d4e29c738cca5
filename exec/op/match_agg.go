package op

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// folded is an accumulator as it was saved, nil for an empty one, and a row to add, if any.
type folded struct {
	acc []byte
	row *matchRow
}

// acc is a running aggregate over the rows of the match.
func (x *partial) acc(run int) []byte {
	if x.accs == nil {
		return nil
	}
	return x.accs[run]
}

// load makes accumulator i that of list[i], its row added.
func (r *runAgg) load(m *matchEval, list []folded) ([]int32, error) {
	gids := make([]int32, len(list))
	var saved [][]byte
	var old []int32
	var add []*matchRow
	var to []int32
	r.run.acc.Resize(len(list))
	for i, f := range list {
		gids[i] = int32(i)
		r.run.acc.Reset(int32(i))
		if f.acc != nil {
			saved, old = append(saved, f.acc), append(old, int32(i))
		}
		if f.row != nil {
			add, to = append(add, f.row), append(to, int32(i))
		}
	}
	if len(saved) > 0 {
		cols, err := r.state.Decode(saved)
		if err != nil {
			return nil, err
		}
		state := make([]vec.Vec, len(cols))
		for i := range cols {
			state[i] = vec.ColVec(cols[i])
		}
		if err := r.run.acc.Load(old, state); err != nil {
			return nil, err
		}
	}
	return gids, m.fold(&r.run, r.slot, add, to)
}

// fold adds rows to the accumulators of groups.
func (m *matchEval) fold(r *aggRun, slot int, rows []*matchRow, groups []int32) error {
	if len(rows) == 0 {
		return nil
	}
	var in []vec.Vec
	if slot >= 0 {
		vals := make([][]byte, len(rows))
		for i, row := range rows {
			vals[i] = row.vals[slot]
		}
		col, err := m.decode(slot, vals)
		if err != nil {
			return err
		}
		for i := range r.args {
			in = append(in, vec.ColVec(col))
			if r.consts[i].Arr != nil {
				in[i] = vec.ColVec(r.consts[i].Column(len(rows)))
			}
		}
	}
	return r.acc.Update(groups, in, nil, 0, len(rows))
}

// values gives the aggregate of each of the list.
func (r *runAgg) values(m *matchEval, list []folded) (arrow.Array, error) {
	gids, err := r.load(m, list)
	if err != nil {
		return nil, err
	}
	v, err := r.run.acc.Values(gids)
	if err != nil {
		return nil, err
	}
	return v.Column(len(list)), nil
}

// grow takes the rows that partial matches have grown by into their running aggregates.
func (m *matchEval) grow(list []*partial) error {
	if len(m.runs) == 0 || len(list) == 0 {
		return nil
	}
	old := make([][][]byte, len(list))
	for i, x := range list {
		old[i], x.accs = x.accs, make([][]byte, len(m.runs))
	}
	for k := range m.runs {
		r := &m.runs[k]
		var part []*partial
		var in []folded
		for i, x := range list {
			var acc []byte
			if old[i] != nil {
				acc = old[i][k]
			}
			if x.accs[k] = acc; r.v < 0 || r.v == x.last.v {
				part, in = append(part, x), append(in, folded{acc, x.last.row})
			}
		}
		if len(in) == 0 {
			continue
		}
		gids, err := r.load(m, in)
		if err != nil {
			return err
		}
		cols, err := r.run.acc.Save(gids)
		if err != nil {
			return err
		}
		r.state.Encode(&r.keys, cols, len(in))
		for i, x := range part {
			x.accs[k] = bytes.Clone(r.keys.At(i))
		}
	}
	return nil
}

// match is a match that goes out, at the time when it was known.
type match struct {
	x    *partial
	key  []byte
	time int64
	row  *matchRow // that made it known; nil: a time limit did
}

// measures computes the measures of matches.
func (m *matchEval) measures(c *fn.Ctx, list []match) ([]arrow.Array, error) {
	out := make([]arrow.Array, len(m.measure))
	for i := range m.measure {
		x := &m.measure[i]
		cols := make([]arrow.Array, len(x.navs))
		for j := range x.navs {
			var err error
			if cols[j], err = m.measureColumn(&x.navs[j], list); err != nil {
				return nil, err
			}
		}
		var err error
		if out[i], err = x.column(c, cols, len(list)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// measureColumn takes the value of a nav from each match.
func (m *matchEval) measureColumn(n *matchNav, list []match) (arrow.Array, error) {
	switch n.Func {
	case planner.NavAgg:
		return m.measureAgg(n, list)
	case planner.NavRowTime:
		us := make([]int64, len(list))
		for i := range list {
			us[i] = types.Time(list[i].time).Micros()
		}
		return vec.Timestamps(n.typ, us, nil), nil
	}
	vals := make([][]byte, len(list))
	for i := range list {
		at := list[i].x.last
		if n.Func == planner.NavFirst {
			at = at.firstOf(n.Var, n.Back)
		} else {
			at = at.lastOf(n.Var, n.Back)
		}
		vals[i] = m.value(at, n.slot)
	}
	return m.decode(n.slot, vals)
}

func (m *matchEval) measureAgg(n *matchNav, list []match) (arrow.Array, error) {
	var rows []*matchRow
	var groups []int32
	gids := make([]int32, len(list))
	n.agg.acc.Resize(len(list))
	for i := range list {
		gids[i] = int32(i)
		n.agg.acc.Reset(int32(i))
		for _, row := range list[i].x.last.rowsOf(n.Var) {
			rows, groups = append(rows, row), append(groups, int32(i))
		}
	}
	if err := m.fold(&n.agg, n.slot, rows, groups); err != nil {
		return nil, err
	}
	v, err := n.agg.acc.Values(gids)
	if err != nil {
		return nil, err
	}
	return v.Column(len(list)), nil
}
