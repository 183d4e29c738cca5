package op

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// shelf is the rows of kept answers as columns, so that those which are found again and again need not be decoded. It is
// filled anew when about half as many rows were decoded as it has, so that filling it costs no more than they did.
type shelf struct {
	cols    []arrow.Array
	n       int
	bytes   int64
	decoded int // rows since it was filled
}

// A shelf is not worth filling for fewer rows, and does not hold a copy of more bytes.
const (
	minShelfRows  = 64
	maxShelfBytes = 64 << 20
)

// fill puts the rows of all answers onto the shelf, where it is time to.
func (a *answerCache) fill(codec *rowCodec) error {
	if a.keep.MaxRows == 0 || a.shelf.decoded < max(minShelfRows, a.shelf.n/2, len(a.all)/8) || a.store.bytes() > maxShelfBytes {
		return nil
	}
	g := newGather(codec)
	for gid := range a.all {
		k := &a.all[gid]
		if k.place = 0; !k.there {
			continue
		}
		k.place = int32(g.len()) + 1
		for _, r := range k.rows {
			g.kept(a.store.get(r))
		}
	}
	n := g.len()
	cols, err := g.columns(nil)
	if err != nil {
		return err
	}
	a.shelf = shelf{cols: cols, n: n, bytes: int64(vec.New(a.schema, cols, n, nil).Size())}
	return nil
}

// found lists the pairs of rows of a batch with rows of a table: left[i] of rows with at[i] of the table.
func (j *askJoin) found(w *waiting, rows []int32) (left, at []int32, table []arrow.Array, err error) {
	left, at = slices.Grow(j.left[:0], len(rows)), slices.Grow(j.at[:0], len(rows))
	defer func() { j.left, j.at = left, at }()
	known, right := j.known, newGather(j.right)
	for i, row := range rows {
		gid := w.gids[row]
		if gid == noKey {
			continue
		}
		k := &known.all[gid]
		for n, r := range k.rows {
			left = append(left, int32(i))
			if k.place > 0 {
				at = append(at, k.place-1+int32(n))
				continue
			}
			at = append(at, ^int32(right.len()))
			right.kept(known.store.get(r))
		}
	}
	if right.len() == 0 && known.shelf.n > 0 {
		return left, at, known.shelf.cols, nil
	}
	known.shelf.decoded += right.len()
	table, err = right.columns(nil)
	if err == nil {
		table = known.shelf.join(table, at)
		err = known.fill(j.right)
	}
	return left, at, table, err
}

// join makes a table of decoded rows, which at names as ^i, and of those of the shelf that it names else, and has it name the table's.
func (s *shelf) join(decoded []arrow.Array, at []int32) []arrow.Array {
	var used []int32
	for i, a := range at {
		if a >= 0 {
			at[i] = int32(len(used))
			used = append(used, a)
		}
	}
	for i, a := range at {
		if a < 0 {
			at[i] = int32(len(used)) + ^a
		}
	}
	if len(used) == 0 {
		return decoded
	}
	out := make([]arrow.Array, len(decoded))
	for i, d := range decoded {
		out[i] = vec.ConcatArrays(vec.Take(s.cols[i], used), d)
	}
	return out
}

// hits joins a batch all of whose answers are kept, without having it wait. Where that is not so it does nothing, and hit is false.
func (j *askJoin) hits(b *vec.Batch, keys []vec.Vec, out Emitter) (hit bool, err error) {
	known := j.known
	if out == nil || known.keep.MaxRows == 0 || len(j.queue) > 0 {
		return false, nil
	}
	n, now := b.Len(), j.ctx.Fn.NowMicros
	for _, c := range keys {
		if j.node.Ask.Inputs == nil && vec.NullsOf(c.Arr).Any() {
			return false, nil
		}
	}
	j.gids = slices.Grow(j.gids[:0], n)[:n]
	gids := j.gids
	known.keys.Find(keys, n, gids)
	for _, gid := range gids {
		if gid < 0 || !known.ready(gid, now) {
			return false, nil
		}
	}
	if known.ranked() {
		for _, gid := range gids {
			known.touch(gid, now)
		}
	}
	known.trim(now)
	for i := len(j.all); i < n; i++ {
		j.all = append(j.all, int32(i))
	}
	joined, err := j.join(&waiting{b: b, gids: gids}, j.all[:n])
	j.measure()
	if err != nil || joined == nil {
		return true, err
	}
	return true, out.Emit(joined)
}

// ready tells whether an answer is kept that holds now.
func (a *answerCache) ready(gid int32, now int64) bool {
	k := &a.all[gid]
	return k.idle && k.there && !a.old(k, now)
}

// touch notes that a kept answer was used; once for each time, which the rows of a batch share.
func (a *answerCache) touch(gid int32, now int64) {
	k := &a.all[gid]
	if k.used == now {
		return
	}
	k.used = now
	if a.newest != gid {
		a.unlink(gid)
		a.link(gid)
	}
}

// ranked tells whether it matters which answers were used last: not while there is room for twice as many as are kept.
func (a *answerCache) ranked() bool { return a.keep.AfterAccess > 0 || 2*a.kept > a.keep.MaxRows }

// joinedRows gives the columns and kinds of a batch's rows[left[i]]: without a copy where that is all of it in order.
func joinedRows(b *vec.Batch, rows, left []int32) (cols []arrow.Array, kinds []types.RowKind) {
	whole := len(left) == b.Len()
	for i := 0; whole && i < len(left); i++ {
		whole = int(rows[left[i]]) == i
	}
	if whole {
		return append(cols, b.Rows.Columns()...), b.Kinds // a copy: the table's follow
	}
	of := make([]int32, len(left))
	for i, l := range left {
		of[i] = rows[l]
	}
	for _, c := range b.Rows.Columns() {
		cols = append(cols, vec.Take(c, of))
	}
	return cols, vec.TakeKinds(b.Kinds, of)
}
