package op

import (
	"bytes"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// temporalJoin joins each left row with the right row that was valid at its time: the last version of the
// key not after it. Left rows wait until the watermark reaches their time; then all versions up to it are
// known. A version that is a delete is no row. Versions are kept from the one that was valid at the
// watermark on. A key to which nothing happens for the state's TTL is forgotten, waiting rows and all, as in Flink.
type temporalJoin struct {
	Base
	ctx     *Context
	node    *planner.TemporalJoin
	left    *rowCodec
	right   *rowCodec
	cond    expr.Eval
	both    *arrow.Schema
	schema  *arrow.Schema
	state   *keyed // by key: waiting left rows and versions, as readTemporal reads them
	live    []*temporalKey
	waiting dueRows
	changed map[int32]bool // since the last snapshot
	kept    int64          // bytes of all rows
	wm      *savedTime
	seq     int64
	pairs   storedJoin
	kinds   []types.RowKind
	sweep   int32
}

// temporalKey is what is kept of a key.
type temporalKey struct {
	left     []temporalRow // in order of arrival
	versions []temporalRow // in order of time
	stamp    int64         // processing time when something happened to it, ms
	dirty    bool          // the store has it otherwise
}

type temporalRow struct {
	time int64
	seq  int64 // order of arrival, of left rows
	kind types.RowKind
	row  []byte
}

// NewTemporalJoin makes the operator of a TemporalJoin.
func NewTemporalJoin(n *planner.TemporalJoin, _ *planner.Settings) (Operator, error) {
	left, right := n.Left.Info().Out, n.Right.Info().Out
	t := &temporalJoin{
		node: n, left: newRowCodec(left), right: newRowCodec(right), schema: n.Out.Arrow(),
		both: append(append(types.Schema{}, left...), right...).Arrow(), changed: map[int32]bool{},
	}
	t.pairs = storedJoin{left: newGather(t.left), right: newGather(t.right)}
	var err error
	if n.Cond != nil {
		t.cond, err = expr.Compile(n.Cond)
	}
	return t, err
}

func (t *temporalJoin) Open(ctx *Context) (err error) {
	t.ctx = ctx
	if t.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	keys := columnTypes(t.left.schema, t.node.Keys.Left)
	if t.state, err = openKeyed(ctx, "keys", keys, []types.Type{types.BytesType}, 0); err != nil {
		return err
	}
	return t.openKeys()
}

func (t *temporalJoin) grow() {
	for len(t.live) < t.state.groups.Cap() {
		t.live = append(t.live, nil)
	}
}

func (t *temporalJoin) Process(port int, b *vec.Batch, _ Emitter) error {
	n := b.Len()
	keys, col, codec := t.node.Keys.Left, t.node.LeftTime, t.left
	if port == 1 {
		keys, col, codec = t.node.Keys.Right, t.node.RightTime, t.right
	}
	if b.Col(col).NullN() > 0 {
		return errNullTime
	}
	times := make([]int64, n)
	millisOf(b.Col(col), times)
	gids, err := t.lookup(columnVecs(b, keys), n)
	if err != nil {
		return err
	}
	rows := codec.encode(b)
	now := t.now()
	for i, gid := range gids { // NULL keys meet: Flink finds versions by key alone, without comparing
		if port == 1 && b.Kind(i) == types.UpdateBefore {
			continue // an update's old row stays valid until the new one's time
		}
		k := t.live[gid]
		if k == nil {
			k = &temporalKey{}
			t.live[gid] = k
		}
		t.touch(k, now)
		t.trim(k, t.wm.at)
		if t.state.get(gid) == nil {
			t.state.set(gid, held) // the key is known from now on
		}
		t.changed[gid], k.dirty = true, true
		t.seq++
		r := temporalRow{times[i], t.seq, b.Kind(i), bytes.Clone(rows.At(i))}
		t.kept += r.bytes()
		if port == 0 {
			k.left = append(k.left, r)
			t.waiting.push(dueRow{r.time, r.seq, gid})
		} else {
			t.put(k, r)
		}
	}
	t.sweepSome(sweptAfter(n))
	return t.state.charge()
}

func (t *temporalJoin) now() int64 { return t.ctx.Fn.NowMicros / 1000 }

func (t *temporalJoin) expired(k *temporalKey, now int64) bool {
	return expired(k.stamp, t.node.TTL, now)
}

// touch notes that something happens to a key, which begins anew if it has expired.
func (t *temporalJoin) touch(k *temporalKey, now int64) {
	if k.stamp > 0 && t.expired(k, now) {
		t.kept -= k.bytes()
		k.left, k.versions = nil, nil
	}
	k.stamp = now
}

// sweepSome forgets expired keys among a few, so that none stays for ever.
func (t *temporalJoin) sweepSome(n int) {
	if t.node.TTL == 0 {
		return
	}
	now := t.now()
	for range min(n, len(t.live)) {
		if int(t.sweep) >= len(t.live) {
			t.sweep = 0
		}
		if k := t.live[t.sweep]; k != nil && t.expired(k, now) {
			t.forget(t.sweep)
		}
		t.sweep++
	}
}

func (t *temporalJoin) forget(gid int32) {
	t.kept -= t.live[gid].bytes()
	t.live[gid] = nil
	t.state.set(gid, nil)
	t.state.drop(gid)
	delete(t.changed, gid)
}

// waits tells whether the left row that arrived so waits.
func (k *temporalKey) waits(seq int64) bool {
	_, ok := slices.BinarySearchFunc(k.left, seq, func(r temporalRow, seq int64) int { return cmpInt(r.seq, seq) })
	return ok
}

// put adds a version; one of equal time is replaced.
func (t *temporalJoin) put(k *temporalKey, r temporalRow) {
	at, same := slices.BinarySearchFunc(k.versions, r.time, func(v temporalRow, t int64) int { return cmpInt(v.time, t) })
	if same {
		t.kept -= k.versions[at].bytes()
		k.versions[at] = r
		return
	}
	k.versions = slices.Insert(k.versions, at, r)
}

// valid gives the version that was valid at a time, or nil.
func (k *temporalKey) valid(at int64) []byte {
	i, same := slices.BinarySearchFunc(k.versions, at, func(v temporalRow, t int64) int { return cmpInt(v.time, t) })
	if !same {
		i--
	}
	if i < 0 || !types.Adds(k.versions[i].kind) {
		return nil
	}
	return k.versions[i].row
}

func (t *temporalJoin) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	t.wm.advance(int64(wm))
	for len(t.waiting) > 0 && t.waiting[0].time <= int64(wm) {
		d := t.waiting.pop()
		k := t.live[d.gid]
		if k == nil || !k.waits(d.seq) {
			continue // the row was joined with one before it, or expired; its key's number may be another's
		}
		t.touch(k, t.now())
		t.changed[d.gid], k.dirty = true, true
		t.ready(k, int64(wm))
		if t.pairs.n >= emitRows {
			if err := t.flush(out); err != nil {
				return wm, err
			}
		}
	}
	if err := t.flush(out); err != nil {
		return wm, err
	}
	return wm, t.state.charge()
}

// ready joins the left rows of a key up to the watermark, in order of arrival, and drops the versions that
// no later row can see.
func (t *temporalJoin) ready(k *temporalKey, wm int64) {
	rest := k.left[:0]
	for _, r := range k.left {
		if r.time > wm {
			rest = append(rest, r)
			continue
		}
		t.kept -= r.bytes()
		t.pairs.add(r.row, k.valid(r.time))
		t.kinds = append(t.kinds, r.kind)
	}
	clear(k.left[len(rest):])
	k.left = rest
	t.trim(k, wm)
}

// trim drops the versions before the one that is valid at the watermark.
func (t *temporalJoin) trim(k *temporalKey, wm int64) {
	at := 0
	for at+1 < len(k.versions) && k.versions[at+1].time <= wm {
		t.kept -= k.versions[at].bytes()
		at++
	}
	k.versions = slices.Delete(k.versions, 0, at)
}

// flush emits the joined rows. A pair that the condition refuses is no match.
func (t *temporalJoin) flush(out Emitter) error {
	n := t.pairs.n
	if n == 0 {
		return nil
	}
	leftOuter := t.node.Kind == planner.LeftJoin
	matched := make([]bool, n)
	for i, s := range t.pairs.right.src {
		matched[i] = s != noRow
	}
	b, err := t.pairs.batch(t.both)
	if err != nil {
		return err
	}
	b.Kinds = insertsAreNil(t.kinds)
	t.kinds = nil
	if t.cond != nil {
		if err := t.refuse(b, matched); err != nil {
			return err
		}
	}
	left, right := make([]int32, 0, n), make([]int32, 0, n)
	for i, ok := range matched {
		if !ok && !leftOuter {
			continue
		}
		left = append(left, int32(i))
		if !ok {
			i = -1
		}
		right = append(right, int32(i))
	}
	if len(left) == 0 {
		return nil
	}
	cols := make([]arrow.Array, 0, b.Rows.NumCols())
	for i := range int(b.Rows.NumCols()) {
		idx := left
		if i >= len(t.left.schema) {
			idx = right
		}
		cols = append(cols, vec.Take(b.Col(i), idx))
	}
	return out.Emit(vec.New(t.schema, cols, len(left), vec.TakeKinds(b.Kinds, left)))
}

func (t *temporalJoin) refuse(b *vec.Batch, matched []bool) error {
	sel, all, err := expr.EvalFilter(t.cond, t.ctx.Fn, b, nil)
	if err != nil || all {
		return err
	}
	pass := make([]bool, len(matched))
	for _, i := range sel {
		pass[i] = matched[i]
	}
	copy(matched, pass)
	return nil
}

func (t *temporalJoin) Close() error { return t.state.close() }
