package op

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// groupAgg is GROUP BY without a window. Each input row makes one change of its group: +I at first,
// then -U and +U, nothing where the values stay (unless state expires: then the row must be renewed
// downstream too), and -D when the last row is taken away.
//
// A batch is worked off in columns: each aggregate gives its value after each row (Running), and the
// value before a row is the one after the row before it in its group, or what the group had when the
// batch came.
type groupAgg struct {
	Base
	ctx    *Context
	node   *planner.GroupAgg
	in     types.Schema
	schema *arrow.Schema
	before bool // -U is wanted
	batch  bool // results at the end only
	// filtered: an aggregate has a FILTER, so the value of an empty group may be wanted.
	filtered bool
	// appends: the plan says that groups only begin (DISTINCT of inserts), so updates are not told.
	appends bool
	// steady: each update counts, whether its values differ or not.
	steady  bool
	ttl     int64
	types   []types.Type // of the keys
	groups  *vec.Groups
	set     *aggSet
	rows    []int64 // rows in each group
	touched []int64 // processing time of the last write, where state expires
	dirty   []bool
	changed []int32         // groups that are dirty
	gone    map[string]bool // keys to delete from the store
	partial bool            // groups may be in the store alone
	table   *rowTable
	base    int64 // what was charged without aggregates, which take long to measure
	cold    coldKeys
	sweep   int32
	stored  *sweeper
	w       groupWork
	bundle  *groupBundle // nil: each row makes its change
}

// groupWork is memory that one batch after another uses.
type groupWork struct {
	gids   []int32
	live   []int32 // gids, -1 for rows without effect
	firsts []int32
	last   []int32 // by group: its last row so far in this stretch, or -1
	prev   []int32 // by row: the row before it in its group, or ^i for entry i of heads
	heads  []int32 // groups whose values before this stretch are wanted
	kind   []rowStep
	some   bool // some rows are without effect
	rows   []int32
	pos    []int32
	mapped []int32
	key    []byte
}

// rowStep is what a row does to its group.
type rowStep uint8

const (
	stepNone   rowStep = iota // nothing: taken away from a group that is not there
	stepInsert                // the group begins
	stepUpdate
	stepDelete // the group ends
)

// NewGroupAgg makes the operator of a GroupAgg.
func NewGroupAgg(n *planner.GroupAgg, s *planner.Settings) (Operator, error) {
	if n.Phase == planner.LocalPhase {
		return newGroupLocal(n)
	}
	set, err := newAggSet(n.Aggs)
	if err != nil {
		return nil, err
	}
	in := n.Input.Info().Out
	g := &groupAgg{
		node: n, in: in, schema: n.Out.Arrow(), set: set, gone: map[string]bool{}, before: n.Mode.Has(types.UpdateBefore),
		batch: s.Batch, ttl: int64(n.TTL / time.Millisecond), types: columnTypes(in, n.Keys),
	}
	g.groups, g.filtered, g.steady = vec.NewGroups(g.types...), set.filtered(), n.TTL > 0
	g.appends = n.Mode == types.AppendMode && !s.Batch
	for i := range set.runs {
		g.steady = g.steady || set.runs[i].always
	}
	if n.Bundle.Rows > 0 && !s.Batch {
		g.bundle = newGroupBundle(n)
	}
	return g, nil
}

func (g *groupAgg) Open(ctx *Context) error {
	g.ctx = ctx
	value := append([]types.Type{types.BigIntType, types.BigIntType}, g.set.state...)
	g.table = newRowTable(ctx.State, state.Spec{Name: "groups", Key: typeNames(g.types), TTL: g.node.TTL}, value)
	empty, err := g.table.empty()
	g.partial = !empty
	g.stored = newSweeper(g.table.t, g.node.TTL, lastOfGroup, func(key []byte) bool { return g.groups.FindKey(key) >= 0 })
	if err != nil {
		return err
	}
	return g.openBundle()
}

func (g *groupAgg) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	w := &g.w
	w.gids = sized(w.gids, n)
	keys := columnVecs(b, g.node.Keys)
	w.firsts = g.groups.Lookup(keys, n, w.gids, w.firsts[:0])
	g.grow()
	if g.ctx.Budget != nil {
		g.cold.use(w.gids, g.groups.Cap())
	}
	if g.partial && len(w.firsts) > 0 {
		if err := g.load(w.gids, w.firsts); err != nil {
			return err
		}
	}
	if g.ttl > 0 {
		g.expire(w.gids)
	}
	switch {
	case g.batch:
		return g.collect(b)
	case g.bundle != nil:
		return g.bundled(b, out)
	}
	for lo := 0; lo < n; {
		hi := g.plan(b, lo)
		if err := g.stretch(b, lo, hi, out); err != nil {
			return err
		}
		lo = hi
	}
	return g.finish(n)
}

// sized gives s with length n, its content not kept.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

// grow makes room for all groups.
func (g *groupAgg) grow() {
	n := g.groups.Cap()
	g.set.resize(n)
	for len(g.rows) < n {
		g.rows = append(g.rows, 0)
		g.dirty = append(g.dirty, false)
		g.w.last = append(g.w.last, -1)
		if g.ttl > 0 {
			g.touched = append(g.touched, 0)
		}
	}
}
