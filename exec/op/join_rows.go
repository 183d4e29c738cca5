package op

import (
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"

	"github.com/apache/arrow-go/v18/arrow"
)

// joinEvent is a row that came, with its matches, rows of the other side.
type joinEvent struct {
	port, row int
	kind      types.RowKind
	matches   []pair
	other     *joinSide
}

// count is the number of matches, each as often as it is there.
func (e *joinEvent) count() int32 {
	n := int32(0)
	for _, m := range e.matches {
		n += e.other.rows.at(m.other).count
	}
	return n
}

// alone handles a row that can match nothing.
func (j *join) alone(e joinEvent) {
	switch {
	case j.kind == planner.AntiJoin && e.port == 0:
		j.out.input(e, e.kind)
	case j.outer[e.port]:
		j.out.padded(e, addsOrDeletes(e.kind))
	}
}

// addsOrDeletes is what outer joins make of a kind.
func addsOrDeletes(kind types.RowKind) types.RowKind {
	if types.Adds(kind) {
		return types.Insert
	}
	return types.Delete
}

// one handles a row: its changes of the output, and of the state.
func (j *join) one(e joinEvent, mine *joinSide, gid int32, id, row []byte, now int64) {
	adds := types.Adds(e.kind)
	if j.kind == planner.SemiJoin || j.kind == planner.AntiJoin {
		j.half(e, mine, gid, id, row, now)
		return
	}
	if !adds {
		mine.remove(gid, id)
	}
	switch {
	case j.outer[e.port] && len(e.matches) == 0:
		j.out.padded(e, addsOrDeletes(e.kind))
	case adds:
		j.matchesCome(e)
	default:
		j.matchesGo(e)
	}
	if adds {
		mine.add(gid, id, row, e.count(), now)
	}
}

// matchesCome emits a new row's joins, after taking back the padded rows of its matches.
func (j *join) matchesCome(e joinEvent) {
	kind := e.kind
	if j.outer[0] || j.outer[1] {
		kind = types.Insert
	}
	first := j.outer[0] && j.outer[1] // both outer: all padded rows go first
	for _, m := range e.matches {
		if j.outer[1-e.port] {
			if e.other.rows.at(m.other).matches == 0 {
				j.out.other(e, m.other, types.Delete)
			}
			e.other.match(m.other, 1)
		}
		if !first {
			j.out.pair(e, m.other, kind)
		}
	}
	if first {
		for _, m := range e.matches {
			j.out.pair(e, m.other, kind)
		}
	}
}

// matchesGo takes a row's joins back, and pads its matches that now have none.
func (j *join) matchesGo(e joinEvent) {
	kind := e.kind
	if j.outer[0] || j.outer[1] {
		kind = types.Delete
	}
	for _, m := range e.matches {
		j.out.pair(e, m.other, kind)
	}
	if !j.outer[1-e.port] {
		return
	}
	for _, m := range e.matches {
		if e.other.match(m.other, -1); e.other.rows.at(m.other).matches == 0 {
			j.out.other(e, m.other, types.Insert)
		}
	}
}

// half handles a row of a semi or anti join.
func (j *join) half(e joinEvent, mine *joinSide, gid int32, id, row []byte, now int64) {
	adds, anti := types.Adds(e.kind), j.kind == planner.AntiJoin
	if e.port == 0 {
		if (len(e.matches) == 0) == anti {
			j.out.input(e, e.kind)
		}
		if adds {
			mine.add(gid, id, row, e.count(), now)
		} else {
			mine.remove(gid, id)
		}
		return
	}
	if adds {
		mine.add(gid, id, row, 0, now)
	} else {
		mine.remove(gid, id)
	}
	for _, m := range e.matches {
		matches := e.other.rows.at(m.other).matches
		switch {
		case adds && matches == 0 && anti:
			j.out.other(e, m.other, types.Delete)
		case adds && matches == 0:
			j.out.other(e, m.other, e.kind)
		case !adds && matches == 1 && anti:
			j.out.other(e, m.other, types.Insert)
		case !adds && matches == 1:
			j.out.other(e, m.other, e.kind)
		}
		if adds {
			e.other.match(m.other, 1)
		} else {
			e.other.match(m.other, -1)
		}
	}
}

// joinOut collects a join's output rows.
type joinOut struct {
	left, right *gather
	kinds       []types.RowKind
	oneSide     bool // the left columns only
}

// sides gives the gathers of the input at a port, and of the other.
func (o *joinOut) sides(port int) (mine, other *gather) {
	if port == 0 {
		return o.left, o.right
	}
	return o.right, o.left
}

// pair adds a row joined to a row of the other input, once for each time that is there.
func (o *joinOut) pair(e joinEvent, n int32, kind types.RowKind) {
	row := e.other.row(n)
	for range e.other.rows.at(n).count {
		o.joined(e, row, kind)
	}
}

// joined adds a row joined to the bytes of a row of the other input.
func (o *joinOut) joined(e joinEvent, row []byte, kind types.RowKind) {
	mine, other := o.sides(e.port)
	mine.row(e.row)
	other.kept(row)
	o.kinds = append(o.kinds, kind)
}

// padded adds the input's row with NULLs.
func (o *joinOut) padded(e joinEvent, kind types.RowKind) {
	mine, other := o.sides(e.port)
	mine.row(e.row)
	other.null()
	o.kinds = append(o.kinds, kind)
}

// other adds a row of the other input, alone or with NULLs.
func (o *joinOut) other(e joinEvent, n int32, kind types.RowKind) {
	mine, other := o.sides(e.port)
	for range e.other.rows.at(n).count {
		if !o.oneSide {
			mine.null()
		}
		other.kept(e.other.row(n))
		o.kinds = append(o.kinds, kind)
	}
}

// input adds the input's row alone.
func (o *joinOut) input(e joinEvent, kind types.RowKind) {
	o.left.row(e.row)
	o.kinds = append(o.kinds, kind)
}

// flush emits what was collected; b is the batch of the input at the port.
func (o *joinOut) flush(b *vec.Batch, port int, schema *arrow.Schema, out Emitter) error {
	n := len(o.kinds)
	if n == 0 {
		return nil
	}
	batches := [2]*vec.Batch{}
	batches[port] = b
	cols, err := o.left.columns(batches[0])
	if err != nil {
		return err
	}
	if !o.oneSide {
		right, err := o.right.columns(batches[1])
		if err != nil {
			return err
		}
		cols = append(cols, right...)
	}
	kinds := insertsAreNil(o.kinds)
	o.kinds = nil
	return out.Emit(vec.New(schema, cols, n, kinds))
}
