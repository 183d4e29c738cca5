package op

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// join keeps both inputs and joins each row that comes with what the other input holds. An inner join
// passes the row's kind on. An outer join pads rows without a match and takes the padded row back when a
// match comes, so it gives +I and -D only. Semi and anti joins give rows of the left input.
//
// While a batch of one input is worked off, only the number of matches of the other input's rows changes;
// so all pairs of a batch are found, and the condition evaluated on them, at once.
type join struct {
	Base
	ctx    *Context
	node   *planner.Join
	schema *arrow.Schema
	cond   expr.Eval
	both   *arrow.Schema // left columns, then right: what the condition reads
	sides  [2]*joinSide
	keys   *vec.Groups
	cold   coldKeys
	types  []types.Type
	safe   []bool // NULL equals NULL in the key column
	gids   []int32
	outer  [2]bool
	kind   planner.JoinKind
	out    joinOut
	// nullAware: NOT IN compares keys by hand, since NULL is neither equal nor different.
	nullAware bool
	swept     int64 // when memory was looked through for what expired, ms
}

// NewJoin makes the operator of a Join.
func NewJoin(n *planner.Join, s *planner.Settings) (Operator, error) {
	op, err := newJoin(n)
	if n.Kind == planner.InnerJoin {
		return op, err
	}
	return inBatch(op, err, n, s)
}

func newJoin(n *planner.Join) (Operator, error) {
	left, right := n.Left.Info().Out, n.Right.Info().Out
	j := &join{node: n, schema: n.Out.Arrow(), kind: n.Kind, nullAware: n.NullAware}
	j.both = append(append(types.Schema{}, left...), right...).Arrow()
	j.outer[0] = n.Kind == planner.LeftJoin || n.Kind == planner.FullJoin
	j.outer[1] = n.Kind == planner.RightJoin || n.Kind == planner.FullJoin
	j.sides[0] = newJoinSide(n.Left.Info(), n.Keys.Left, n.LeftKey, n.LeftTTL)
	j.sides[1] = newJoinSide(n.Right.Info(), n.Keys.Right, n.RightKey, n.RightTTL)
	j.types = columnTypes(left, n.Keys.Left)
	j.safe = n.Keys.NullSafe
	if j.nullAware {
		j.types = nil
	}
	j.keys = vec.NewGroups(j.types...)
	if n.Cond != nil {
		var err error
		if j.cond, err = expr.Compile(n.Cond); err != nil {
			return nil, err
		}
	}
	if err := j.checkKeys(right, n.Keys.Right); err != nil {
		return nil, err
	}
	j.out = joinOut{left: newGather(j.sides[0].codec), right: newGather(j.sides[1].codec), oneSide: n.Kind == planner.SemiJoin || n.Kind == planner.AntiJoin}
	return j, nil
}

func (j *join) checkKeys(right types.Schema, keys []int) error {
	for i, c := range keys {
		if !j.nullAware && right[c].Type.Kind != j.types[i].Kind {
			return fmt.Errorf("join key %d is %s on the left and %s on the right", i+1, j.types[i], right[c].Type)
		}
	}
	return nil
}

func (j *join) Open(ctx *Context) error {
	j.ctx = ctx
	names := [2]string{"left", "right"}
	for p, s := range j.sides {
		if err := s.open(ctx, names[p], j.types); err != nil {
			return err
		}
		s.stored = newSweeper(s.table, s.ttl, lastOfEntries, func(key []byte) bool { return j.keys.FindKey(key) >= 0 })
	}
	return nil
}

// lookup numbers the keys of a batch's rows; a NULL in a key that is not NULL-safe gives -1.
func (j *join) lookup(b *vec.Batch, port int) ([]int32, error) {
	keys := j.sides[port].keys
	n := b.Len()
	j.gids = sized(j.gids, n)
	var cols []vec.Vec
	if !j.nullAware {
		cols = columnVecs(b, keys)
	}
	firsts := j.keys.Lookup(cols, n, j.gids, nil)
	for _, s := range j.sides {
		s.grow(j.keys.Cap())
	}
	for _, row := range firsts {
		for _, s := range j.sides {
			s.begin(j.gids[row])
		}
	}
	j.cold.use(j.gids, j.keys.Cap())
	for p, s := range j.sides {
		if p == port && s.appends {
			continue // what was there before is of no concern to a row that comes
		}
		if err := s.load(j.keys, j.gids, j.ctx.Fn.NowMicros/1000); err != nil {
			return nil, err
		}
	}
	if j.nullAware {
		return j.gids, nil
	}
	for k, c := range keys {
		nulls := vec.NullsOf(b.Col(c))
		if k < len(j.safe) && j.safe[k] || !nulls.Any() {
			continue
		}
		for i := range n {
			if nulls.Is(i) {
				j.gids[i] = -1
			}
		}
	}
	return j.gids, nil
}

// pair is a row of the batch and a row of the other input, by its number.
type pair struct{ row, other int32 }

func (j *join) Process(port int, b *vec.Batch, out Emitter) error {
	mine, other := j.sides[port], j.sides[1-port]
	now := j.ctx.Fn.NowMicros / 1000
	gids, err := j.lookup(b, port)
	if err != nil {
		return err
	}
	rows, ids := mine.encode(b)
	pairs, err := j.pairs(b, port, gids, now)
	if err != nil {
		return err
	}
	at := 0
	for i, gid := range gids {
		lo := at
		for at < len(pairs) && pairs[at].row == int32(i) {
			at++
		}
		e := joinEvent{port: port, row: i, kind: b.Kind(i), matches: pairs[lo:at], other: other}
		if gid < 0 { // a NULL key matches nothing, and need not be kept
			j.alone(e)
			continue
		}
		j.one(e, mine, gid, ids.At(i), rows.At(i), now)
	}
	if err := j.out.flush(b, port, j.schema, out); err != nil {
		return err
	}
	return j.release(gids)
}

// release forgets the keys that neither side has rows of.
func (j *join) release(gids []int32) error {
	for _, gid := range gids {
		if gid >= 0 && j.keys.Live(gid) && j.sides[0].idle(gid) && j.sides[1].idle(gid) {
			j.keys.Delete(gid)
		}
	}
	if err := j.sweep(); err != nil {
		return err
	}
	j.ctx.Metrics.Groups = int64(j.keys.Len())
	fits := j.ctx.charges(j.sides[0].bytes() + j.sides[1].bytes() + j.keys.Bytes())
	if !j.cold.full(j.ctx.Budget, j.keys.Len(), fits) {
		return nil
	}
	cold := j.cold.pick(j.keys, nil)
	for _, s := range j.sides {
		if err := s.evict(j.ctx, j.keys, cold); err != nil {
			return err
		}
	}
	for _, gid := range cold {
		j.keys.Delete(gid)
	}
	return nil
}

// pairs finds the matches of a batch's rows, in order of row, then of the other row's arrival.
func (j *join) pairs(b *vec.Batch, port int, gids []int32, now int64) ([]pair, error) {
	other := j.sides[1-port]
	var out []pair
	for i, gid := range gids {
		if gid < 0 {
			continue
		}
		for n := other.lists[gid].first; n != none; {
			if !other.gone(n, now) {
				out = append(out, pair{int32(i), n})
			}
			n = other.rows.at(n).next
		}
	}
	if len(out) == 0 || j.cond == nil && !j.nullAware {
		return out, nil
	}
	return j.passing(b, port, out)
}

// passing keeps the pairs for which the condition is TRUE; for NOT IN, also those whose keys are equal or
// may be.
func (j *join) passing(b *vec.Batch, port int, pairs []pair) ([]pair, error) {
	var pass []pair
	for len(pairs) > 0 {
		part := pairs[:min(len(pairs), 4*emitRows)]
		pairs = pairs[len(part):]
		both, err := j.joined(b, port, part)
		if err != nil {
			return nil, err
		}
		sel, all := []int32(nil), true
		if j.cond != nil {
			if sel, all, err = expr.EvalFilter(j.cond, j.ctx.Fn, both, nil); err != nil {
				return nil, err
			}
		}
		if all {
			sel = nil
			for i := range part {
				sel = append(sel, int32(i))
			}
		}
		for _, i := range sel {
			if !j.nullAware || j.maybeEqual(both, int(i)) {
				pass = append(pass, part[i])
			}
		}
	}
	return pass, nil
}

// maybeEqual tells whether the keys of a pair are equal, or one is NULL.
func (j *join) maybeEqual(both *vec.Batch, i int) bool {
	for k, l := range j.node.Keys.Left {
		a, b := both.Col(l), both.Col(len(j.sides[0].codec.schema)+j.node.Keys.Right[k])
		if !a.IsNull(i) && !b.IsNull(i) && !vec.Equal(a, i, b, i) {
			return false
		}
	}
	return true
}

// joined gives pairs as a batch of left columns, then right.
func (j *join) joined(b *vec.Batch, port int, pairs []pair) (*vec.Batch, error) {
	mine, other := newGather(j.sides[port].codec), newGather(j.sides[1-port].codec)
	for _, p := range pairs {
		mine.row(int(p.row))
		other.kept(j.sides[1-port].row(p.other))
	}
	x, err := mine.columns(b)
	if err != nil {
		return nil, err
	}
	y, err := other.columns(nil)
	if err != nil {
		return nil, err
	}
	if port == 1 {
		x, y = y, x
	}
	return vec.New(j.both, append(x, y...), len(pairs), nil), nil
}

// sweep has what expired leave the stores and, a few times in the time that rows are kept, memory.
func (j *join) sweep() error {
	now, least := j.ctx.Fn.NowMicros/1000, time.Duration(0)
	for _, s := range j.sides {
		if least == 0 || s.ttl > 0 && s.ttl < least {
			least = s.ttl
		}
		if s.partial {
			if err := s.stored.step(now); err != nil {
				return err
			}
		}
	}
	if least == 0 || now < j.swept+least.Milliseconds()/4 {
		return nil
	}
	j.swept = now
	for _, s := range j.sides {
		s.sweep(j.keys, now)
	}
	j.forgetIdle()
	return nil
}

// forgetIdle forgets the keys of which there are no rows, nor rows to be deleted.
func (j *join) forgetIdle() {
	for _, gid := range j.keys.All(nil) {
		if j.sides[0].idle(gid) && j.sides[1].idle(gid) {
			j.keys.Delete(gid)
		}
	}
}

func (j *join) Snapshot() error {
	for _, s := range j.sides {
		s.sweep(j.keys, j.ctx.Fn.NowMicros/1000)
		if j.ctx.Unkept {
			continue
		}
		if err := s.snapshot(j.ctx, j.keys); err != nil {
			return err
		}
	}
	j.forgetIdle() // rows that went were kept until here, to be deleted
	return nil
}

func (j *join) Close() error { return j.ctx.releases() }

// expired tells whether a row written at stamp has outlived ttl.
func expired(stamp int64, ttl time.Duration, now int64) bool {
	return ttl > 0 && stamp+ttl.Milliseconds() <= now
}
