package op

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// matcher is MATCH_RECOGNIZE. Rows wait for the watermark and are worked off in order of time, further
// keys, arrival; in processing time as they come. Each partition has its matches under way (matchPart).
//
// Rows of several partitions are tried together: the k-th row of each makes a wave, whose conditions are
// computed as columns. What is found goes out in the order of the times at which it was known, so the
// order does not depend on how many rows a watermark completes.
type matcher struct {
	Base
	ctx   *Context
	node  *planner.Match
	batch bool
	codec *rowCodec
	auto  *automaton
	eval  *matchEval
	order *vec.KeyEncoder
	out   *arrow.Schema
	types []types.Type // of the partition
	keys  vec.Keys
	parts vec.Keys
	buf   *timeBuffer
	wm    *savedTime
	state *keyed
	part  []*matchPart // by group
	dirty map[int32]bool
	due   dueRows // partitions whose time limit is looked at
	found []match
	seq   int64 // of the next row
	under int64 // matches under way, in all partitions
}

// NewMatch makes the operator of a Match.
func NewMatch(n *planner.Match, s *planner.Settings) (Operator, error) {
	in := n.Input.Info().Out
	m := &matcher{
		node: n, batch: s.Batch, codec: newRowCodec(in), order: orderEncoder(in, n.Order), out: n.Out.Arrow(),
		types: columnTypes(in, n.Partition), dirty: map[int32]bool{},
	}
	var err error
	if m.auto, err = newAutomaton(n); err != nil {
		return nil, err
	}
	m.eval, err = newMatchEval(n)
	return m, err
}

func (m *matcher) Open(ctx *Context) (err error) {
	m.ctx = ctx
	if m.buf, err = openTimeBuffer(ctx, "rows"); err != nil {
		return err
	}
	if m.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	if m.state, err = openKeyed(ctx, "matches", m.types, []types.Type{types.BytesType}, 0); err != nil {
		return err
	}
	if err := m.state.loadAll(); err != nil {
		return err
	}
	m.grow()
	for _, gid := range m.state.groups.All(nil) {
		if err := m.restore(gid, m.state.get(gid)); err != nil {
			return err
		}
	}
	return nil
}

func (m *matcher) grow() {
	for n := m.state.groups.Cap(); len(m.part) < n; {
		m.part = append(m.part, nil)
	}
}

func (m *matcher) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	times := make([]int64, n)
	if m.node.ProcTime {
		for i := range times {
			times[i] = m.ctx.Fn.NowMicros / 1000
		}
		if len(m.node.Order) == 0 {
			return m.work(b, times, out)
		}
	} else {
		col := b.Col(m.node.TimeCol)
		if col.NullN() > 0 {
			return errNullTime
		}
		millisOf(col, times)
	}
	m.order.Encode(&m.keys, sortColumns(b, m.node.Order), n)
	m.state.groups.Encoder().Encode(&m.parts, columnVecs(b, m.node.Partition), n)
	rows := m.codec.encode(b)
	for i, t := range times {
		if t <= m.wm.at && !m.batch && !m.node.ProcTime {
			m.ctx.DropLate(0, b, i, t)
			continue
		}
		m.buf.push(t, m.keys.At(i), rows.At(i), state.Group(vec.Hash(m.parts.At(i))))
	}
	m.measure()
	return nil
}

// Watermark works off the rows that it completes; in batch mode all of them at the end.
func (m *matcher) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if m.node.ProcTime || m.batch && wm != types.MaxTime {
		return wm, nil
	}
	m.wm.advance(int64(wm))
	return wm, m.advance(int64(wm), out)
}

// NextTick is when, in processing time, a time limit passes or rows of a millisecond are complete.
func (m *matcher) NextTick() types.Time {
	at := types.MaxTime
	if !m.node.ProcTime {
		return at
	}
	if len(m.due) > 0 {
		at = types.Time(m.due[0].time)
	}
	if len(m.buf.heap) > 0 {
		at = min(at, types.Time(m.buf.heap[0].time+1))
	}
	return at
}

// Tick works off what the clock completes.
func (m *matcher) Tick(now types.Time, out Emitter) error { return m.advance(int64(now)-1, out) }

// End works off the rows of the last millisecond of processing time.
func (m *matcher) End(out Emitter) error {
	if !m.node.ProcTime {
		return nil
	}
	return m.leave(int64(types.MaxTime), out)
}

// advance works off the rows up to a time and ends the matches that took too long by then.
func (m *matcher) advance(to int64, out Emitter) error {
	if err := m.leave(to, out); err != nil {
		return err
	}
	if m.node.ProcTime && to < int64(types.MaxTime) {
		to++ // unlike rows, limits are due when the clock shows them
	}
	if err := m.expire(to); err != nil {
		return err
	}
	return m.emit(out)
}

func (m *matcher) leave(to int64, out Emitter) error {
	for {
		var list [][]byte
		var times []int64
		for len(list) < emitRows {
			row, at, ok := m.buf.pop(to)
			if !ok {
				break
			}
			list, times = append(list, row), append(times, at)
		}
		if len(list) == 0 {
			return nil
		}
		b, err := m.codec.batch(list, nil)
		if err != nil {
			return err
		}
		if err := m.work(b, times, out); err != nil {
			return err
		}
	}
}

// work works off rows, which are in order of time.
func (m *matcher) work(b *vec.Batch, times []int64, out Emitter) error {
	rows, err := m.eval.rows(m.ctx.Fn, b, times, m.seq)
	if err != nil {
		return err
	}
	m.seq += int64(len(rows))
	gids, err := m.state.lookup(columnVecs(b, m.node.Partition), len(rows))
	if err != nil {
		return err
	}
	m.grow()
	nth := map[int32]int{}
	var waves [][]int32 // the rows of each
	for i, gid := range gids {
		k := nth[gid]
		nth[gid]++
		if k == len(waves) {
			waves = append(waves, nil)
		}
		waves[k] = append(waves[k], int32(i))
	}
	for _, wave := range waves {
		if err := m.wave(wave, gids, rows); err != nil {
			return err
		}
	}
	if len(times) > 0 {
		if err := m.expire(times[len(times)-1]); err != nil {
			return err
		}
	}
	if err := m.emit(out); err != nil {
		return err
	}
	for _, gid := range gids {
		m.settle(gid)
	}
	m.measure()
	return nil
}

// measure publishes the operator's counters and charges the budget.
func (m *matcher) measure() {
	m.ctx.Metrics.Groups = int64(m.state.groups.Len())
	m.ctx.holds(m.state.bytes() + m.buf.bytes() + m.under*partialBytes)
}

// partialBytes is about what a match under way takes, with the last of its rows.
const partialBytes = 320

// wave works off a row of each of several partitions.
func (m *matcher) wave(wave, gids []int32, rows []matchRow) error {
	var list []attempt
	fits := make([][]uint64, len(wave))
	for w, i := range wave {
		gid, row := gids[i], &rows[i]
		if m.part[gid] == nil {
			m.part[gid] = m.auto.newPart()
		}
		if err := m.limit(gid, row.time); err != nil {
			return err
		}
		open := m.part[gid].open
		fits[w] = make([]uint64, len(open))
		for j, x := range open {
			fits[w][j] = row.fits
			list = append(list, attempt{x: x, row: row, fits: &fits[w][j]})
		}
	}
	err := m.eval.try(m.ctx.Fn, list, func(x *partial) uint64 { return m.auto.states[x.state].asks })
	if err != nil {
		return err
	}
	var grown []*partial
	for w, i := range wave {
		gid, row := gids[i], &rows[i]
		row = &matchRow{seq: row.seq, time: row.time, vals: row.vals} // alone, so that it does not keep the others
		found, more, err := m.auto.step(m.part[gid], row, fits[w])
		if err != nil {
			return err
		}
		grown = append(grown, more...)
		m.take(gid, found, row.time, row)
		m.watch(gid)
	}
	return m.eval.grow(grown)
}

// take notes what was found.
func (m *matcher) take(gid int32, found []*partial, at int64, row *matchRow) {
	m.dirty[gid] = true
	for _, x := range found {
		m.found = append(m.found, match{x: x, key: m.state.groups.AppendKey(nil, gid), time: at, row: row})
	}
}

// limit ends the matches of a partition that took too long by a time.
func (m *matcher) limit(gid int32, now int64) error {
	p := m.part[gid]
	for {
		at, ok := m.auto.deadline(p)
		if !ok || at > now {
			return nil
		}
		found, err := m.auto.expire(p, at)
		if err != nil {
			return err
		}
		m.take(gid, found, at, nil)
	}
}

// deadline is when the first match under way takes too long.
func (a *automaton) deadline(p *matchPart) (int64, bool) {
	if a.within == 0 || p.open[0].start == nil {
		return 0, false
	}
	return p.open[0].start.time + a.within, true
}

// watch has a partition looked at when its first match takes too long.
func (m *matcher) watch(gid int32) {
	p := m.part[gid]
	if at, ok := m.auto.deadline(p); ok && p.due == 0 {
		p.due = at
		m.due.push(dueRow{at, p.open[0].start.seq, gid})
	}
}

// expire ends the matches of all partitions that took too long by a time.
func (m *matcher) expire(now int64) error {
	for len(m.due) > 0 && m.due[0].time <= now {
		d := m.due.pop()
		p := m.part[d.gid]
		if p == nil || p.due != d.time {
			continue // the partition is gone, or another one has its number
		}
		p.due = 0
		if err := m.limit(d.gid, now); err != nil {
			return err
		}
		m.watch(d.gid)
		m.settle(d.gid)
	}
	return nil
}

// settle forgets a partition without matches under way.
func (m *matcher) settle(gid int32) {
	p := m.part[gid]
	if p != nil {
		m.under += p.count()
	}
	switch {
	case p == nil:
		m.state.drop(gid)
	case p.idle():
		m.part[gid] = nil
		delete(m.dirty, gid)
		if m.state.get(gid) != nil {
			m.state.set(gid, nil)
		}
		m.state.drop(gid)
	case m.state.get(gid) == nil:
		m.state.set(gid, held) // the partition is known from now on
	}
}

// held is the value of a key whose state is in memory in another form.
var held = []byte{0}

// emit sends what was found, in the order of when it was known.
func (m *matcher) emit(out Emitter) error {
	slices.SortStableFunc(m.found, func(a, b match) int {
		switch {
		case a.time != b.time:
			return cmpInt(a.time, b.time)
		case (a.row == nil) != (b.row == nil):
			if a.row == nil {
				return -1
			}
			return 1
		case a.row == nil:
			return cmpInt(a.x.start.seq, b.x.start.seq)
		}
		return cmpInt(a.row.seq, b.row.seq)
	})
	for list := m.found; len(list) > 0; {
		n := min(len(list), emitRows)
		keys := make([][]byte, n)
		for i := range keys {
			keys[i] = list[i].key
		}
		cols, err := m.state.groups.Encoder().Decode(keys)
		if err != nil {
			return err
		}
		more, err := m.eval.measures(m.ctx.Fn, list[:n])
		if err != nil {
			return err
		}
		if err := out.Emit(vec.New(m.out, append(cols, more...), n, nil)); err != nil {
			return err
		}
		list = list[n:]
	}
	m.found = nil
	return nil
}

// Close gives the budget back.
func (m *matcher) Close() error { return m.ctx.releases() }
