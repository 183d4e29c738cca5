package op

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// topN keeps the rows of each partition in order and shows those at ranks (Offset, Offset+Fetch]. Over
// rows that are only inserted it keeps no more than it may show.
//
// Without rank and offset a row that enters pushes one out: -D of that, then +I. With either, each
// position whose row changes gives -U and +U; so does a first place alone over rows that are only inserted,
// because there one row takes another's place.
type topN struct {
	Base
	ctx     *Context
	node    *planner.TopN
	codec   *rowCodec
	order   *vec.KeyEncoder
	sortKey vec.Keys
	types   []types.Type
	groups  *vec.Groups
	lists   []rankList // by group
	rows    rankRows
	table   *state.Table // rows
	parts   *state.Table // partitions that may have rows in the store
	partial bool
	cold    coldKeys
	gone    map[string]uint16 // places to delete from the store, and their key groups
	gids    []int32
	sweep   int32
	stored  *sweeper
	marks   *sweeper  // of parts
	limit   int       // ranks that matter, from the front
	fetch   expr.Eval // the limit of a row's partition, where it is not the same for all
	ranked  bool
	append  bool
	before  bool
	out     *rankChanges
	row     int   // of the batch, in hand
	fresh   int32 // what row became
}

const allRows = int(^uint(0) >> 1)

// NewTopN makes the operator of a TopN.
func NewTopN(n *planner.TopN, s *planner.Settings) (Operator, error) {
	op, err := newTopN(n, wantsBefore(n, s))
	return inBatch(op, err, n, s)
}

func newTopN(n *planner.TopN, before bool) (Operator, error) {
	in := n.Input.Info()
	t := &topN{
		node: n, codec: newRowCodec(in.Out), order: orderEncoder(in.Out, n.Keys), types: columnTypes(in.Out, n.Partition),
		gone: map[string]uint16{}, limit: allRows, ranked: n.Rank || n.Offset > 0,
		append: in.Mode.AppendOnly() || in.Mode == 0, before: before,
	}
	t.groups = vec.NewGroups(t.types...)
	if n.Fetch >= 0 {
		t.limit = int(n.Offset + n.Fetch)
	}
	t.ranked = t.ranked || t.append && t.limit == 1 && n.FetchExpr == nil
	t.out = newRankChanges(t.codec, n.Out, n.Rank)
	if n.FetchExpr != nil {
		var err error
		if t.fetch, err = expr.Compile(n.FetchExpr); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *topN) Open(ctx *Context) error {
	t.ctx = ctx
	return t.openTables()
}

func (t *topN) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	t.gids = sized(t.gids, n)
	firsts := t.groups.Lookup(columnVecs(b, t.node.Partition), n, t.gids, nil)
	for len(t.lists) < t.groups.Cap() {
		t.lists = append(t.lists, rankList{})
	}
	if t.ctx.Budget != nil {
		t.cold.use(t.gids, t.groups.Cap())
	}
	if err := t.beginAll(b, firsts); err != nil {
		return err
	}
	t.order.Encode(&t.sortKey, sortColumns(b, t.node.Keys), n)
	rows := t.codec.encode(b)
	for i, gid := range t.gids {
		l := &t.lists[gid]
		if t.node.TTL > 0 {
			t.renew(gid, l)
		}
		t.row, t.fresh = i, none
		if types.Adds(b.Kind(i)) {
			t.add(gid, l, t.sortKey.At(i), rows.At(i))
		} else {
			t.take(gid, l, t.sortKey.At(i), rows.At(i))
		}
	}
	for _, gid := range t.gids {
		if l := &t.lists[gid]; l.size == 0 && !l.dirty && t.groups.Live(gid) {
			if err := t.forgetList(gid); err != nil {
				return err
			}
		}
	}
	if err := t.out.flush(b, out); err != nil { // what it shows lies in memory that the sweep frees
		return err
	}
	if err := t.sweepSome(sweptAfter(n)); err != nil {
		return err
	}
	return t.charge()
}

// beginAll makes the lists of new partitions, of what the store has of them; firsts are rows of them.
func (t *topN) beginAll(b *vec.Batch, firsts []int32) error {
	limits := make([]int64, len(firsts))
	for i := range limits {
		limits[i] = int64(t.limit)
	}
	if t.fetch != nil && len(firsts) > 0 {
		v, err := t.fetch.Eval(t.ctx.Fn, b, firsts)
		if err != nil {
			return err
		}
		col := v.Column(len(firsts))
		for i := range limits {
			if limits[i] = 0; col.IsValid(i) {
				limits[i] = max(integerAt(col, i), 0)
			}
		}
	}
	for i, row := range firsts {
		t.lists[t.gids[row]] = rankList{limit: int(limits[i])}
	}
	if t.partial && len(firsts) > 0 {
		return t.loadLists(firsts)
	}
	return nil
}

// integerAt is a value of an integer column.
func integerAt(a arrow.Array, i int) int64 {
	switch a.DataType().ID() {
	case arrow.INT8:
		return int64(vec.Values[int8](a)[i])
	case arrow.INT16:
		return int64(vec.Values[int16](a)[i])
	case arrow.INT32:
		return int64(vec.Values[int32](a)[i])
	}
	return vec.Values[int64](a)[i]
}

// sweepSome forgets expired partitions among a few, so that none stays for ever.
func (t *topN) sweepSome(n int) error {
	if t.node.TTL == 0 {
		return nil
	}
	now := t.ctx.Fn.NowMicros / 1000
	for range min(n, len(t.lists)) {
		if int(t.sweep) >= len(t.lists) {
			t.sweep = 0
		}
		gid := t.sweep
		t.sweep++
		if l := &t.lists[gid]; l.stamp > 0 && expired(l.stamp, t.node.TTL, now) && t.groups.Live(gid) {
			l.each(func(_ int, n int32) bool { t.forget(gid, n); return true })
			if err := t.forgetList(gid); err != nil {
				return err
			}
		}
	}
	if !t.partial {
		return nil
	}
	return errors.Join(t.stored.step(now), t.marks.step(now))
}

// renew empties a partition that has expired.
func (t *topN) renew(gid int32, l *rankList) {
	now := t.ctx.Fn.NowMicros / 1000
	if l.stamp > 0 && l.stamp+t.node.TTL.Milliseconds() <= now {
		l.each(func(_ int, n int32) bool { t.forget(gid, n); return true })
		l.chunks, l.size = nil, 0
	}
	l.stamp, l.renewed = now, true
}

// forget takes a row that has left its list out of memory, and notes that it leaves the store.
func (t *topN) forget(gid, n int32) {
	if t.rows.at(n).saved {
		key := t.groups.AppendKey(nil, gid)
		t.gone[string(t.place(nil, gid, n))] = state.Group(vec.Hash(key))
	}
	t.rows.store.drop(n)
}

// place is a row's place in the store.
func (t *topN) place(dst []byte, gid, n int32) []byte {
	dst = append(t.groups.AppendKey(dst, gid), t.rows.key(n)...)
	return binary.BigEndian.AppendUint64(dst, uint64(t.rows.at(n).seq))
}

// add takes a row in.
func (t *topN) add(gid int32, l *rankList, key, row []byte) {
	full := l.size >= l.limit
	if t.append && full && (l.limit == 0 || t.behind(l, key)) {
		return
	}
	n := t.rows.put(key, row, l.next, false)
	l.next++
	l.dirty, t.fresh = true, n
	if pos := l.insert(&t.rows, n); pos < l.limit {
		t.showInsert(l, pos, n)
	}
	if !t.append {
		return
	}
	if full {
		c, i, _ := l.last()
		t.forget(gid, l.remove(c, i))
	}
	if l.size >= l.limit {
		_, _, last := l.last()
		l.bound = headOf(t.rows.key(last))
	}
}

// behind tells whether a key is not before that of the last row of a full list.
func (t *topN) behind(l *rankList, key []byte) bool {
	if l.bound != (keyHead{}) && headOf(key).after(l.bound) {
		return true
	}
	_, _, last := l.last()
	return bytes.Compare(key, t.rows.key(last)) >= 0
}

// showInsert emits what changes when a row came in at a position.
func (t *topN) showInsert(l *rankList, pos int, n int32) {
	if !t.ranked {
		if l.size > l.limit {
			t.out.add(types.Delete, t.rows.row(l.at(l.limit)), 0)
		}
		t.emit(types.Insert, n, 0)
		return
	}
	for end := min(l.size, l.limit); pos < end; pos++ {
		before := none // the row that had the position
		if pos+1 < l.size {
			before = l.at(pos + 1)
		}
		t.change(pos, before, l.at(pos))
	}
}

// change emits that the row at a position is now another; before none: the position is new.
func (t *topN) change(pos int, before, now int32) {
	if pos < int(t.node.Offset) {
		return
	}
	rank := int64(pos + 1)
	if before == none {
		t.emit(types.Insert, now, rank)
		return
	}
	if t.before {
		t.emit(types.UpdateBefore, before, rank)
	}
	t.emit(types.UpdateAfter, now, rank)
}

// emit adds a row to the output; the row in hand need not be decoded.
func (t *topN) emit(kind types.RowKind, n int32, rank int64) {
	if n == t.fresh {
		t.out.addInput(kind, t.row, rank)
		return
	}
	t.out.add(kind, t.rows.row(n), rank)
}

// take takes a row away; one that is not there is ignored.
func (t *topN) take(gid int32, l *rankList, key, row []byte) {
	c, i, ok := l.locate(&t.rows, key, row)
	if !ok {
		return
	}
	pos := l.position(c, i)
	n := l.remove(c, i)
	l.dirty = true
	if pos < l.limit {
		t.showRemoval(l, pos, n)
	}
	t.forget(gid, n)
}

// showRemoval emits what changes when a row left a position.
func (t *topN) showRemoval(l *rankList, pos int, n int32) {
	if !t.ranked {
		t.out.add(types.Delete, t.rows.row(n), 0)
		if l.size >= l.limit {
			t.out.add(types.Insert, t.rows.row(l.at(l.limit-1)), 0)
		}
		return
	}
	before, end := n, min(l.size, l.limit)
	for ; pos < end; pos++ {
		now := l.at(pos)
		t.change(pos, before, now)
		before = now
	}
	if end < l.limit && end >= int(t.node.Offset) {
		t.out.add(types.Delete, t.rows.row(before), int64(end+1))
	}
}
